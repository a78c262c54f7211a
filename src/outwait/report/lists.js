// Everything around the chart: the head, the words, the decisions, the money, the end.

// --- the head -------------------------------------------------------------------------------

$("heading").textContent = `Call to ${call.to}`;
$("when").textContent = [call.answered_at ?? call.created_at, `from ${call.from}`, call.carrier, call.id]
  .filter(Boolean).join(" · ").replace("T", " ").replace("Z", " UTC");
$("task").textContent = call.task;
const CAUSES = {
  hangup_call: "the agent hung up", remote_hangup: "the other side hung up", api_hangup: "its user ended it", budget: "the cost cap was reached",
  hold_limit: "the hold limit was reached", no_answer: "nobody answered", busy: "the line was busy", model_refused: "the model refused",
};
const reason = call.end_reason ?? { result: "unfinished", cause: call.phase };
const ended = `${capital(words(reason.result))}: ${CAUSES[reason.cause] ?? words(reason.cause)}`;
$("result").textContent = ended;
$("result").classList.toggle("good", reason.result === "success");
$("outcome").textContent = call.outcome ?? "";
if ((call.result_valid ?? null) !== null) {
  const kept = call.result_valid ? "Keeps to its schema." : `Does not keep to its schema: ${call.result_faults.join("; ")}.`;
  $("typed").append(
    node("pre", {}, JSON.stringify(call.result, null, 2)),
    node("p", { class: "note" }, kept),
    ...call.evidence.map(({ of, quote, line, text, at }) => node("p", { class: "note" },
      `${of || "all of it"}: ` + (line === null ? `“${quote}” was not said` : `“${text}” at ${clock(at, 0)}`))));
}

function figure(name, value, small, more) {
  return node("div", { class: "figure" },
    node("div", { class: "name" }, name),
    node("div", { class: "value" }, value, " ", node("small", {}, small ?? "")),
    node("div", { class: "more" }, more ?? ""));
}
const cost = call.cost;
const saved = cost.without_parking_usd - cost.total_usd;
const answeredAt = returns.map((decision) => {
  const reply = said.find((one) => one.role === "agent" && one.at >= decision.onset);
  return { decision, reply };
});
$("figures").append(
  figure("On hold", clock(held, 0), `of ${clock(total, 0)}`,
    held ? `${count(holds.length, "hold")}, ${Math.round((100 * held) / total)} % of the call` : "no hold"),
  figure("Model session open", clock(open, 0), "",
    `${count(sessions.length, "session")}` + (call.warmups ? `, ${count(call.warmups, "silent warm-up")}` : "")),
  answeredAt.length
    ? figure("Person noticed after", `${(answeredAt[0].decision.at - answeredAt[0].decision.onset).toFixed(1)} s`, "",
        answeredAt[0].reply ? `answered ${(answeredAt[0].reply.at - answeredAt[0].decision.onset).toFixed(1)} s after that voice began` : "no answer followed")
    : figure("Person noticed after", "–", "", held ? "nobody came back" : "no hold to come back from"),
  figure("Cost", usd(cost.total_usd), cost.estimated ? "partly estimated" : "",
    saved > 0 ? `${usd(cost.without_parking_usd)} without parking` : "nothing to save"),
);

// --- the words ----------------------------------------------------------------------------------

const timeButton = (time) => node("button", { type: "button", class: "at", onclick: () => seek(time, true) }, clock(time));
let nextHold = 0;
const pass = (time) => {
  for (; nextHold < holds.length && holds[nextHold].start <= time; nextHold++) {
    const hold = holds[nextHold];
    $("words").append(node("li", { class: "gap" }, `on hold for ${clock(hold.end - hold.start, 0)}, from ${clock(hold.start, 0)} to ${clock(hold.end, 0)}`));
  }
};
for (const one of said) {
  pass(one.at);
  const who = one.role + (one.phrase ? ", phrase made beforehand" : "");
  const item = node("li", { class: one.role },
    timeButton(one.at),
    node("div", {},
      node("div", { class: "who" }, who),
      node("div", { class: "said" }, one.text, one.cut ? node("span", { class: "cut" }, " … cut off, the rest was not heard") : null)));
  item.time = one.at;
  $("words").append(item);
}
pass(Infinity);
if (!said.length) $("words").append(node("li", { class: "gap" }, "Nothing was said."));

// --- listening along ----------------------------------------------------------------------------

const audio = $("audio");
$("sound").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (!file) return;
  if (audio.src) URL.revokeObjectURL(audio.src);
  audio.src = URL.createObjectURL(file);
  audio.hidden = false;
});
audio.addEventListener("timeupdate", () => {
  place(audio.currentTime);
  if (!audio.paused && (cursor < view.a || cursor > view.b - (view.b - view.a) * 0.05)) {
    show(cursor - (view.b - view.a) * 0.05, cursor + (view.b - view.a) * 0.95);
  }
});

function place(time) {
  cursor = time;
  const items = [...$("words").children].filter((item) => item.time !== undefined);
  const current = items.findLast((item) => item.time <= time);
  for (const item of items) item.classList.toggle("now", item === current);
  tell(time);
  draw();
}
function seek(time, move = false) {
  if (audio.src) audio.currentTime = time;
  if (move) goto(time);
  place(time);
}

// --- the ear ------------------------------------------------------------------------------------

for (const one of decisions) {
  const score = one.confidence === undefined ? null : node("span", {},
    node("span", { class: "score", "aria-hidden": "true" }, node("i", { css: { width: `${100 * one.confidence}%`, background: color(meaning(one).tint) } })),
    one.confidence.toFixed(2));
  const onset = one.onset ?? one.since;
  const late = onset === undefined ? "" : `, ${(one.at - onset).toFixed(1)} s after it began`;
  $("decisions").append(node("li", {}, timeButton(one.at), node("div", {},
    node("b", {}, meaning(one).name), score,
    node("div", { class: "why" }, sentence(capital(one.why || "no reason given") + late)))));
}
if (!decisions.length) $("decisions").append(node("li", { class: "empty" }, "Nothing to decide: nobody put us on hold."));

// --- the money ----------------------------------------------------------------------------------

function table(headings, rows, foot) {
  const side = (i) => (headings[i].startsWith(">") ? "n" : null);
  const cell = (tag) => (value, i) => node(tag, { class: side(i) }, value);
  return node("table", {},
    node("thead", {}, node("tr", {}, ...headings.map((name, i) => node("th", { class: side(i), scope: "col" }, name.replace(">", ""))))),
    node("tbody", {}, ...rows.map((row) => node("tr", {}, ...row.map(cell("td"))))),
    foot ? node("tfoot", {}, node("tr", {}, ...foot.map(cell("td")))) : null);
}
const most = Math.max(cost.total_usd, cost.without_parking_usd, 1e-9);
const bar = (name, amount, ...pieces) => node("div", { class: "row" },
  node("span", {}, name), node("b", {}, usd(amount)),
  node("div", { class: "track" }, ...pieces.map(([value, tint, title]) => node("i", { title, css: { width: `${(100 * value) / most}%`, background: color(tint) } }))));
$("money").append(node("div", { class: "bars" },
  bar("This call", cost.total_usd, [cost.carrier_usd, "noise", "carrier"], [cost.model_usd, "session", "model"]),
  bar("Had the session stayed open", cost.without_parking_usd, [cost.carrier_usd, "noise", "carrier"], [cost.model_usd, "session", "model"], [Math.max(0, saved), "resume", "model, listening to the hold"])));
$("money").append(node("ul", { class: "legend" },
  ...[["noise", "carrier minutes"], ["session", "model"], ["resume", "model listening to the hold"]].map(([tint, name]) => node("li", {}, node("i", { css: { background: color(tint) } }), name))));
const share = cost.total_usd ? Math.round((100 * cost.carrier_usd) / cost.total_usd) : 0;
if (saved > 0) {
  $("money").append(node("p", { class: "saved" }, `Parking saved ${usd(saved)}. `, share >= 50 ? `What is left is mostly the line: the carrier's minutes are ${share} % of the bill.` : ""));
}
if (cost.items.length) {
  $("money").append(table(["what", ">quantity", ">USD"],
    cost.items.map((item) => [words(item.what) + (item.estimated ? " (estimated)" : ""), `${item.quantity.toLocaleString("en")} ${item.units}`, item.usd.toFixed(4)]),
    ["total" + (cost.estimated ? ", partly estimated" : ""), "", cost.total_usd.toFixed(4)]));
}
$("money").append(node("details", {}, node("summary", {}, "How the other figure is made"), node("p", {}, naive)));

// --- sessions and the end -----------------------------------------------------------------------

$("sessions").append(sessions.length
  ? table(["", "model", ">opened", ">closed", "closed because"], sessions.map((one) => [String(one.number), one.model || one.engine, clock(one.opened_at), one.closed_at === null ? "open" : clock(one.closed_at), words(one.reason)]))
  : node("p", { class: "empty" }, "No model session was opened."));
for (const one of call.failed_sessions ?? []) {
  $("sessions").append(node("p", { class: "note" }, `At ${clock(one.at)} a session could not be opened: ${words(one.reason)}.`));
}
if (call.warmups) $("sessions").append(node("p", { class: "note" }, `${count(call.warmups, "warm-up")} beside these: connected ahead when somebody spoke, and closed without having carried a sound.`));

const STEPS = {
  goodbye_asked: "goodbye asked of the model", goodbye_heard: "goodbye heard to its end", goodbye_unheard: "goodbye not heard to its end",
  rest_asked: "carrier asked to hang up", rest_done: "carrier hung up", rest_failed: "carrier did not hang up",
  callback: "carrier confirmed the end", session_closed: "model socket closed", stream_closed: "media socket closed",
};
$("ending").append(node("p", { class: "note" }, sentence(ended + (call.outcome_reason ? `. ${capital(call.outcome_reason)}` : ""))));
if (call.hangup?.length) {
  $("ending").append(table(["at", "step", "detail"], call.hangup.map((step) => [clock(step.at), STEPS[step.step] ?? words(step.step), step.detail ?? ""])));
}
$("footer").textContent = `Outwait ${version}. Times are minutes and seconds of the call since it was answered.`;

// --- light and dark -----------------------------------------------------------------------------

function paint(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = theme === "dark" ? "Light" : "Dark";
  $("theme").setAttribute("aria-label", `Change to ${theme === "dark" ? "light" : "dark"} colours`);
}
$("theme").addEventListener("click", () => paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
paint(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

// `report.html#1500-1520` opens at these seconds of the call.
function fromAddress() {
  const [a, b] = location.hash.slice(1).split("-").map(Number);
  if (b > a) show(a, b);
}
new ResizeObserver(draw).observe($("chart"));
addEventListener("hashchange", fromAddress);
show(0, total);
fromAddress();
