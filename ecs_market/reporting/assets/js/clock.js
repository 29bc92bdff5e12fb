"use strict";
// The tick that the page looks at: a scrubber, a play button, and all that follows them.
(function (R) {
  const SPEEDS = [2, 5, 10, 25, 50, 100];
  const listeners = [];
  const clock = (R.clock = { first: 0, last: 0, tick: 0, playing: false, speed: 10 });
  let bar = null, due = 0, waiting = null;

  clock.on = function (act) {
    listeners.push(act);
  };

  clock.set = function (tick) {
    const wanted = Math.max(clock.first, Math.min(clock.last, Math.round(tick)));
    if (wanted === clock.tick) return;
    clock.tick = wanted;
    show();
    for (const act of listeners) act(wanted);
  };

  clock.name = (tick) => (tick < 0 ? "the start" : "tick " + R.number(tick));

  function show() {
    if (bar === null) return;
    bar.range.value = clock.tick;
    bar.range.setAttribute("aria-valuetext", clock.tick < 0 ? "start, before the first tick" : "tick " + clock.tick);
    bar.number.textContent = clock.tick < 0 ? "start" : R.number(clock.tick);
    bar.play.textContent = clock.playing ? "❚❚" : "▶";
    bar.play.setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    bar.play.setAttribute("aria-pressed", String(clock.playing));
  }

  clock.play = function (on) {
    clock.playing = on && clock.last > clock.first;
    if (clock.playing && clock.tick >= clock.last) clock.set(clock.first);
    show();
    if (clock.playing && waiting === null) {
      due = performance.now();
      waiting = requestAnimationFrame(advance);
    }
  };

  function advance(now) {
    waiting = null;
    if (!clock.playing) return;
    const steps = Math.floor(((now - due) * clock.speed) / 1000);
    if (steps > 0) {
      due += (steps * 1000) / clock.speed;
      clock.set(clock.tick + steps);
      if (clock.tick >= clock.last) return clock.play(false);
    }
    waiting = requestAnimationFrame(advance);
  }

  clock.build = function (host, first, last) {
    Object.assign(clock, { first, last, tick: first });
    clock.speed = SPEEDS.find((speed) => (last - first) / speed <= 25) || SPEEDS[SPEEDS.length - 1];
    const step = (by, sign, name) => R.el("button", { type: "button", "aria-label": name, title: name, on: { click: () => clock.set(clock.tick + by) } }, sign);
    bar = {
      play: R.el("button", { type: "button", class: "main", id: "play", on: { click: () => clock.play(!clock.playing) } }),
      range: R.el("input", { type: "range", id: "scrubber", min: first, max: last, step: 1, "aria-label": "Tick", on: { input: () => clock.set(Number(bar.range.value)) } }),
      number: R.el("output", { for: "scrubber", id: "tick" }),
    };
    const speed = R.choice("Speed", SPEEDS.map((each) => [each, each + " ticks/s"]), clock.speed, (value) => (clock.speed = Number(value)));
    host.append(
      bar.play,
      step(-1, "‹", "One tick back"),
      step(1, "›", "One tick on"),
      R.el("span", { class: "now" }, R.el("span", {}, "Tick "), bar.number, R.el("span", { class: "of" }, last < 0 ? "" : " of " + R.number(last))),
      bar.range,
      speed,
    );
    host.hidden = false;
    show();
  };
})(window.ecsMarketReport);
