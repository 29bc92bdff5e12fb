"use strict";
// The tick that the page looks at: a scrubber, a play button, and all that follows them.
(function (R) {
  const SPEEDS = [2, 5, 10, 25, 50, 100];
  const SECONDS = 25; // a run takes at most so long to play, if there is a speed for it
  const listeners = [];
  const clock = (R.clock = { first: 0, last: 0, tick: 0, playing: false, speed: 10 });
  let bar = null,
    due = 0,
    waiting = null;

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

  // Arrow keys move the tick, ten at a time with Shift; the space bar plays.
  clock.key = function (event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) clock.set(clock.tick + by * (event.shiftKey ? 10 : 1));
    if (event.key === " ") clock.play(!clock.playing);
    if (by || event.key === " ") event.preventDefault();
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
    if (!clock.playing) for (const act of listeners) act(clock.tick); // trades no longer linger
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

  function buttons() {
    const step = (by, sign, name) =>
      R.button(null, () => clock.set(clock.tick + by), { "aria-label": name, title: name }, sign);
    bar.play = R.button("main", () => clock.play(!clock.playing), { id: "play" });
    return [bar.play, step(-1, "‹", "One tick back"), step(1, "›", "One tick on")];
  }

  function scrubber() {
    const move = () => clock.set(Number(bar.range.value));
    const bounds = { min: clock.first, max: clock.last, step: 1 };
    bar.number = R.el("output", { for: "scrubber", id: "tick" });
    bar.range = R.el("input", { type: "range", id: "scrubber", ...bounds, "aria-label": "Tick", on: { input: move } });
    const of = R.el("span", { class: "of" }, clock.last < 0 ? "" : " of " + R.number(clock.last));
    return [R.el("span", { class: "now" }, R.el("span", {}, "Tick "), bar.number, of), bar.range];
  }

  clock.build = function (host, first, last) {
    Object.assign(clock, { first, last, tick: first });
    clock.speed = SPEEDS.find((speed) => (last - first) / speed <= SECONDS) || SPEEDS[SPEEDS.length - 1];
    bar = {};
    const speeds = SPEEDS.map((each) => [each, each + " ticks/s"]);
    const speed = R.choice("Speed", speeds, clock.speed, (value) => (clock.speed = Number(value)));
    host.append(...buttons(), ...scrubber(), speed);
    host.hidden = false;
    show();
  };
})(window.ecsMarketReport);
