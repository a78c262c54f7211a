// What the page knows of the call, and the small tools to draw with.

const { call, wave, naive, version } = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

// --- small tools ----------------------------------------------------------------------------

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "css") Object.assign(made.style, value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
function shape(parent, tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}
const color = (name) => `var(--${name})`;
const words = (text) => String(text ?? "").replaceAll("_", " ");
const sentence = (text) => `${text.replace(/\.+$/, "")}.`;
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function clock(seconds, places = 1) {
  const scale = 10 ** places;
  const units = Math.round(seconds * scale);
  const minutes = Math.floor(units / (60 * scale));
  const rest = (units - minutes * 60 * scale) / scale;
  return `${minutes}:${rest.toFixed(places).padStart(places ? places + 3 : 2, "0")}`;
}
const usd = (value) => (value < 0.1 ? `$${value.toFixed(4)}` : `$${value.toFixed(2)}`);
const count = (value, one, many = `${one}s`) => `${value.toLocaleString("en")} ${value === 1 ? one : many}`;

// --- the call -------------------------------------------------------------------------------

const line = call.timeline;
const said = call.transcript;
const decisions = call.decisions ?? [];
const returns = decisions.filter((decision) => decision.kind === "human_returned" && !wentOn(decision));
const waveSeconds = wave?.seconds ?? 0;
const total = Math.max(1, ...line.map((part) => part.end), ...said.map((one) => one.at + 1), waveSeconds);
// A lost stream inside a hold does not make two holds of it.
const holds = [];
for (const [i, part] of line.entries()) {
  if (part.kind !== "hold") continue;
  const goesOn = line[i - 1]?.kind === "detached" && line[i - 2]?.kind === "hold";
  if (goesOn) holds.at(-1).end = part.end;
  else holds.push({ start: part.start, end: part.end });
}
const held = holds.reduce((sum, hold) => sum + hold.end - hold.start, 0);
const sessions = call.sessions.map((one) => ({ ...one, end: one.closed_at ?? total }));
const open = sessions.reduce((sum, one) => sum + one.end - one.opened_at, 0);

function wentOn(decision) {
  return decisions.some((later) => later.kind === "hold_went_on" && Math.abs(later.since - decision.onset) < 0.01);
}
const at = (spans, time) => spans.find((span) => span.start <= time && time < span.end);
const length = (one) => Math.max(0.8, one.text.length / 15); // s; people say about 15 characters a second

