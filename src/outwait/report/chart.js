// The call over time: lanes that can be moved and zoomed.

// --- colours and legend ---------------------------------------------------------------------

const KINDS = {
  talk: "talk", music: "music", announcement: "announcement", silence: "silence", noise: "noise", tone: "tone",
  speech: "speech", resume: "false resume", detached: "line lost",
};
const used = new Set(line.flatMap((part) => [part.kind, ...(part.parts ?? []).map((one) => one.kind)]));
for (const [kind, name] of Object.entries(KINDS)) {
  if (used.has(kind)) $("legend").append(node("li", {}, node("i", { css: { background: color(kind) } }), name));
}
$("legend").append(node("li", {}, node("i", { css: { background: color("session") } }), "model session open"));

const DECISIONS = {
  hold_started: { name: "on hold", tint: "hold" }, maybe_human: { name: "perhaps a person", tint: "speech" },
  human_returned: { name: "a person is back", tint: "talk" }, hold_went_on: { name: "nobody, still on hold", tint: "resume" },
};
const MISTAKEN = { name: "a person seemed to be back", tint: "resume" };
const meaning = (one) => (one.kind === "human_returned" && wentOn(one) ? MISTAKEN : DECISIONS[one.kind] ?? { name: words(one.kind), tint: "noise" });

// --- waveform -------------------------------------------------------------------------------

function pyramid(base) {
  const bytes = Uint8Array.from(atob(base), (letter) => letter.charCodeAt(0));
  const levels = [bytes];
  while (levels.at(-1).length > 512) {
    const below = levels.at(-1);
    const above = new Uint8Array(Math.ceil(below.length / 4));
    for (let i = 0; i < below.length; i++) above[i >> 2] = Math.max(above[i >> 2], below[i]);
    levels.push(above);
  }
  return levels;
}
const sound = wave ? { step: wave.step, far: pyramid(wave.far), agent: pyramid(wave.agent) } : null;

function outline(levels, a, b, width, middle, height) {
  let level = 0;
  let step = sound.step;
  while (level + 1 < levels.length && step * 4 < (b - a) / width) { level++; step *= 4; }
  const peaks = levels[level];
  const first = Math.max(0, Math.floor(a / step));
  const last = Math.min(peaks.length - 1, Math.ceil(b / step));
  if (last <= first) return "";
  const top = [];
  const bottom = [];
  for (let i = first; i <= last; i++) {
    const x = (((i + 0.5) * step - a) / (b - a)) * width;
    const h = Math.max(0.4, (peaks[i] / 255) * height * 0.5);
    top.push(`${x.toFixed(1)} ${(middle - h).toFixed(1)}`);
    bottom.push(`${x.toFixed(1)} ${(middle + h).toFixed(1)}`);
  }
  return `M${top.join("L")}L${bottom.reverse().join("L")}Z`;
}

// --- the chart ------------------------------------------------------------------------------

const view = { a: 0, b: total };
let cursor = null;

function ticks(span, width) {
  const wanted = span / Math.max(2, width / 90);
  return [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600].find((step) => step >= wanted) ?? 7200;
}

function draw() {
  const width = $("chart").clientWidth;
  const { a, b } = view;
  const x = (time) => ((time - a) / (b - a)) * width;
  const seen = (start, end) => end > a && start < b;
  const art = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  art.setAttribute("aria-hidden", "true");
  let y = 20;

  const step = ticks(b - a, width);
  const gridlines = shape(art, "g", {});
  for (let time = Math.ceil(a / step - 1e-9) * step; time <= b; time += step) {
    shape(art, "text", { x: Math.min(x(time) + 3, width - 30), y: 12 }, clock(time, step < 1 ? 1 : 0));
    shape(gridlines, "line", { class: "grid", x1: x(time), x2: x(time), y1: 0, y2: 400 });
  }
  const lane = (name, height) => {
    shape(art, "text", { class: "lane", x: 0, y: y + 10 }, name);
    const top = y + 15;
    y = top + height + 7;
    return top;
  };
  const box = (start, end, top, height, fill, label, light) => {
    const left = Math.max(-4, x(start));
    const right = Math.min(width + 4, x(end));
    const made = shape(art, "rect", { x: left, y: top, width: Math.max(0.75, right - left), height, rx: 2, fill });
    if (label) {
      const from = Math.max(0, left) + 6;
      const room = Math.min(width, right) - from - 4;
      const fits = label.length * 6.4 <= room ? label : room > 40 ? `${label.slice(0, Math.floor(room / 6.4) - 1)}…` : "";
      if (fits) shape(art, "text", { class: light ? "" : "on", x: from, y: top + height / 2 + 4 }, fits);
    }
    return made;
  };

  let top = lane("LINE", 30);
  for (const part of line) {
    if (!seen(part.start, part.end)) continue;
    if (part.kind !== "hold") {
      box(part.start, part.end, top, 30, color(part.kind), KINDS[part.kind]);
      continue;
    }
    box(part.start, part.end, top, 30, color("silence"));
    box(part.start, part.end, top, 7, color("hold"));
    for (const one of part.parts ?? []) {
      if (seen(one.start, one.end)) box(one.start, one.end, top + 7, 23, color(one.kind), KINDS[one.kind] ?? one.kind);
    }
  }

  top = lane("MODEL SESSION", 20);
  shape(art, "line", { class: "grid", x1: 0, x2: width, y1: top + 10, y2: top + 10, "stroke-dasharray": "2 4" });
  for (const one of sessions) {
    if (seen(one.opened_at, one.end)) {
      box(one.opened_at, one.end, top, 20, color("session"), `${one.number} · ${one.model || one.engine}`);
    }
  }

  if (sound) {
    for (const [name, side, tint] of [["FAR END", "far", "wave-far"], ["AGENT", "agent", "wave-agent"]]) {
      top = lane(name, 46);
      shape(art, "line", { class: "grid", x1: 0, x2: width, y1: top + 23, y2: top + 23 });
      shape(art, "path", { d: outline(sound[side], a, b, width, top + 23, 46), fill: color(tint) });
    }
  }

  top = lane("WORDS", 44);
  const rows = [["announcement", top], ["human", top], ["agent", top + 23]];
  for (const [role, place] of rows) {
    for (const one of said) {
      if (one.role !== role || !seen(one.at, one.at + length(one))) continue;
      const next = said.find((later) => later.at > one.at && (later.role === "agent") === (role === "agent"));
      const end = Math.min(one.at + length(one), next?.at ?? total, total);
      box(one.at, end, place, 20, color(role), one.text);
    }
  }

  top = lane("EAR", 42);
  shape(art, "line", { class: "grid", x1: 0, x2: width, y1: top + 42, y2: top + 42 });
  for (const one of decisions) {
    if (!seen(one.at, one.at + 0.001)) continue;
    const { name, tint: tone } = meaning(one);
    const tint = color(tone);
    const h = 42 * (one.confidence ?? 0.5);
    if (one.onset !== undefined && x(one.at) - x(one.onset) > 2) {
      shape(art, "line", { x1: x(one.onset), x2: x(one.at), y1: top + 41, y2: top + 41, stroke: tint, "stroke-width": 3 });
    }
    shape(art, "line", { x1: x(one.at), x2: x(one.at), y1: top + 42 - h, y2: top + 42, stroke: tint, "stroke-width": 1.5 });
    shape(art, "circle", { cx: x(one.at), cy: top + 42 - h, r: 4, fill: tint });
    if (b - a < 90 || one.kind === "human_returned") {
      const right = x(one.at) > width - 130;
      shape(art, "text", { x: x(one.at) + (right ? -8 : 8), y: top + 46 - h, "text-anchor": right ? "end" : "start" }, name);
    }
  }
  if (cursor !== null && seen(cursor, cursor + 0.001)) {
    shape(art, "line", { x1: x(cursor), x2: x(cursor), y1: 0, y2: y, stroke: color("accent"), "stroke-width": 1 });
  }
  art.setAttribute("height", y);
  art.setAttribute("viewBox", `0 0 ${width} ${y}`);
  $("chart").replaceChildren(art);
  drawMap(width);
}

function drawMap() {
  const width = $("map").clientWidth;
  const x = (time) => (time / total) * width;
  const art = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  art.setAttribute("height", 34);
  art.setAttribute("viewBox", `0 0 ${width} 34`);
  for (const part of line) {
    for (const one of part.kind === "hold" ? [{ ...part, kind: "silence" }, ...(part.parts ?? [])] : [part]) {
      shape(art, "rect", { x: x(one.start), y: 6, width: Math.max(0.75, x(one.end) - x(one.start)), height: 14, fill: color(one.kind) });
    }
  }
  for (const one of sessions) {
    shape(art, "rect", { x: x(one.opened_at), y: 22, width: Math.max(1, x(one.end) - x(one.opened_at)), height: 4, fill: color("session") });
  }
  const left = x(view.a);
  const size = Math.max(6, x(view.b) - left);
  shape(art, "rect", { x: Math.min(left, width - size), y: 1, width: size, height: 31, rx: 4, fill: color("shade"), stroke: color("accent"), "stroke-width": 1.5 });
  $("map").replaceChildren(art);
}

// --- moving about ---------------------------------------------------------------------------

function show(a, b) {
  const span = Math.min(total, Math.max(1, b - a));
  view.a = Math.min(Math.max(0, a), total - span);
  view.b = view.a + span;
  for (const button of $("places").children) {
    const near = Math.abs(button.place[0] - view.a) < 0.05 && Math.abs(button.place[1] - view.b) < 0.05;
    button.setAttribute("aria-pressed", String(near));
  }
  draw();
}
let flight = 0;
function fly(a, b) {
  const from = { ...view };
  const span = Math.min(total, Math.max(1, b - a));
  const start = Math.min(Math.max(0, a), total - span);
  const mine = ++flight;
  if (still) return arrive();
  const began = performance.now();
  requestAnimationFrame(function frame(now) {
    if (mine !== flight) return;
    const t = Math.min(1, (now - began) / 280);
    const e = 1 - (1 - t) ** 3;
    if (t === 1) return arrive();
    show(from.a + (start - from.a) * e, from.b + (start + span - from.b) * e);
    requestAnimationFrame(frame);
  });
  function arrive() {
    show(start, start + span);
    $("readout").textContent = `Showing ${clock(view.a)} to ${clock(view.b)}`;
  }
}
function zoom(factor, around = (view.a + view.b) / 2) {
  flight++;
  show(around - (around - view.a) * factor, around + (view.b - around) * factor);
}
const goto = (time) => fly(time - 4, time + 6);

const places = [["Whole call", 0, total]];
holds.forEach((hold, i) => {
  const which = holds.length > 1 ? ` ${i + 1}` : "";
  places.push([`Hold${which} begins`, hold.start - 10, hold.start + 14]);
  if (line.some((part) => part.kind === "talk" && part.start === hold.end)) {
    places.push([`Person back${which}`, hold.end - 6, hold.end + 9]);
  }
});
if (total > 25) places.push(["The end", total - 20, total]);
for (const [name, a, b] of places) {
  const button = node("button", { type: "button", "aria-pressed": "false", onclick: () => fly(a, b) }, name);
  const span = Math.min(total, b - a);
  const start = Math.min(Math.max(0, a), total - span);
  button.place = [start, start + span];
  $("places").append(button);
}
$("in").addEventListener("click", () => zoom(1 / 1.6));
$("out").addEventListener("click", () => zoom(1.6));

$("chart").addEventListener("keydown", (event) => {
  const span = view.b - view.a;
  const moves = {
    ArrowLeft: () => show(view.a - span / 8, view.b - span / 8), ArrowRight: () => show(view.a + span / 8, view.b + span / 8),
    "+": () => zoom(1 / 1.4), "=": () => zoom(1 / 1.4), "-": () => zoom(1.4), Home: () => fly(0, total),
    End: () => fly(total - span, total),
  };
  if (!moves[event.key] || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  flight++;
  moves[event.key]();
  $("readout").textContent = `Showing ${clock(view.a)} to ${clock(view.b)}`;
});

const fingers = new Map();
const timeAt = (event) => {
  const box = $("chart").getBoundingClientRect();
  return view.a + ((event.clientX - box.left) / box.width) * (view.b - view.a);
};
$("chart").addEventListener("pointerdown", (event) => {
  fingers.set(event.pointerId, { x: event.clientX, from: event.clientX });
  $("chart").setPointerCapture(event.pointerId);
  flight++;
});
$("chart").addEventListener("pointermove", (event) => {
  const finger = fingers.get(event.pointerId);
  const perPixel = (view.b - view.a) / $("chart").clientWidth;
  if (finger && fingers.size === 2) {
    const other = [...fingers.entries()].find(([id]) => id !== event.pointerId)[1];
    const before = Math.abs(finger.x - other.x);
    const now = Math.abs(event.clientX - other.x);
    finger.x = event.clientX;
    if (before > 10 && now > 10) zoom(before / now, timeAt(event));
    return;
  }
  if (finger) {
    const by = (event.clientX - finger.x) * perPixel;
    finger.x = event.clientX;
    $("chart").classList.add("moving");
    show(view.a - by, view.b - by);
    return;
  }
  cursor = timeAt(event);
  tell(cursor);
  draw();
});
for (const name of ["pointerup", "pointercancel"]) {
  $("chart").addEventListener(name, (event) => {
    const finger = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    $("chart").classList.remove("moving");
    if (name === "pointerup" && finger && Math.abs(event.clientX - finger.from) < 4) seek(timeAt(event));
  });
}
$("chart").addEventListener("pointerleave", () => { cursor = null; $("readout").textContent = ""; draw(); });
$("chart").addEventListener("wheel", (event) => {
  if (!(event.ctrlKey || event.metaKey || event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) return;
  event.preventDefault();
  flight++;
  if (event.ctrlKey || event.metaKey) return zoom(Math.exp(event.deltaY / 300), timeAt(event));
  const by = ((event.deltaX || event.deltaY) * (view.b - view.a)) / $("chart").clientWidth;
  show(view.a + by, view.b + by);
}, { passive: false });

const onMap = (event) => {
  if (!event.buttons) return;
  const box = $("map").getBoundingClientRect();
  const middle = ((event.clientX - box.left) / box.width) * total;
  const half = (view.b - view.a >= total ? total / 10 : view.b - view.a) / 2;
  flight++;
  show(middle - half, middle + half);
};
$("map").addEventListener("pointerdown", (event) => { $("map").setPointerCapture(event.pointerId); onMap(event); });
$("map").addEventListener("pointermove", onMap);

function tell(time) {
  const part = at(line, time);
  const inner = part?.kind === "hold" ? at(part.parts ?? [], time) : null;
  const session = sessions.find((one) => one.opened_at <= time && time < one.end);
  const spoken = said.findLast((one) => one.at <= time && time < one.at + length(one));
  $("readout").textContent = [
    clock(time), part ? KINDS[part.kind] ?? part.kind : "", inner ? KINDS[inner.kind] ?? inner.kind : "",
    session ? `model session ${session.number} open` : "no model session", spoken ? `${spoken.role}: ${spoken.text}` : "",
  ].filter(Boolean).join(" · ");
}
