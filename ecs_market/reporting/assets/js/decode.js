"use strict";
// Columns as encoding.py packs them, back to numbers: NaN stands for NULL.
(function (R) {
  function bytes(text) {
    const raw = atob(text);
    const out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  }

  // Zigzag differences in groups of seven bits. Powers of two, not shifts: these go beyond 32 bits.
  function whole(text, n) {
    const from = bytes(text);
    const out = new Float64Array(n);
    let at = 0,
      value = 0;
    for (let i = 0; i < n; i++) {
      let coded = 0,
        weight = 1,
        byte;
      do {
        byte = from[at++];
        coded += (byte & 127) * weight;
        weight *= 128;
      } while (byte & 128);
      value += coded % 2 ? -(coded + 1) / 2 : coded / 2;
      out[i] = value;
    }
    return out;
  }

  function floats(text) {
    const view = new DataView(bytes(text).buffer);
    const out = new Float64Array(view.byteLength / 8);
    for (let i = 0; i < out.length; i++) out[i] = view.getFloat64(8 * i, true);
    return out;
  }

  const known = new WeakMap();

  // A column's numbers, decoded once.
  R.column = function (packed) {
    if (!known.has(packed)) {
      const out = packed.whole === undefined ? floats(packed.float) : whole(packed.whole, packed.n);
      if (packed.nulls) for (const place of whole(packed.nulls, packed.null_count)) out[place] = NaN;
      known.set(packed, out);
    }
    return known.get(packed);
  };

  R.columns = function (table) {
    const out = {};
    for (const name of Object.keys(table)) out[name] = R.column(table[name]);
    return out;
  };
})((window.ecsMarketReport = window.ecsMarketReport || {}));
