// Feeder set-up: slot, then reel. A slot that is scanned while its reel is in it, then that reel, then another: a splice.
import { Screen, all, data, one, word } from "./screen.js";
import { signal } from "./signals.js";

let slot = null; // {name, package} of the slot that was scanned
let replaces = null;
const region = one("[data-slots]");

const screen = new Screen({
  scan({ kind, value }) {
    if (kind === "slot") return scanned(value);
    const known = kind === "other" && all("[data-slot]", region).find((button) => button.dataset.slot === value);
    if (known) return choose(value);
    if (kind !== "label" && kind !== "other" && kind !== "serial") return screen.wrong(word("slot_first"));
    if (!slot) return screen.wrong(word("slot_first"), value);
    reel(value);
  },
  answered(deed, answer) {
    if (answer.outcome === "refused") return screen.refuse(deed, answer);
    const good = answer.outcome !== "stop";
    if (answer.outcome === "undone") {
      screen.verdict({ outcome: "undone", serial: answer.slot, reasons: [{ sentence: word("as_before", { reel: answer.package ?? word("slot_empty") }) }] });
      return refresh();
    }
    const title = deed.kind === "clear" ? word("cleared") : word(good ? "loaded" : "not_loaded");
    const serial = [answer.slot, answer.package].filter(Boolean).join(" · ");
    screen.verdict({ ...answer, outcome: good ? "go" : "stop", title, serial });
    if (good && slot?.name === deed.slot) choose(null);
    refresh();
  },
});

function scanned(payload) {
  const [station, name] = payload.split("|");
  if (station !== data.station) return screen.wrong(word("not_here", { station }));
  choose(name);
}

function choose(name) {
  const button = name && all("[data-slot]", region).find((one) => one.dataset.slot === name);
  slot = name ? { name, package: button?.dataset.package ?? "" } : null;
  replaces = null;
  mark();
  one("[data-prompt]").dataset.state = slot ? "busy" : "idle";
  one("[data-prompt-state]").textContent = slot ? word("reel_next", { slot: name }) : word("scan_slot");
  if (slot) signal("noted");
  button?.scrollIntoView({ block: "nearest" });
}

function reel(label) {
  if (slot.package && replaces === null && (label === slot.package || label.includes(slot.package))) {
    replaces = slot.package;
    return screen.note(word("splice_next", { slot: slot.name, reel: slot.package }), "noted");
  }
  screen.do("load", { slot: slot.name, label, ...(replaces ? { replaces } : {}) });
  replaces = null;
}

function mark() {
  for (const button of all("[data-slot]", region)) button.setAttribute("aria-pressed", String(button.dataset.slot === slot?.name));
}

async function refresh() {
  try {
    const answer = await fetch(region.dataset.live, { headers: { Accept: "text/html" } });
    if (answer.ok) region.innerHTML = await answer.text();
  } catch {
    return; // the next news brings it
  }
  wire();
}

function wire() {
  for (const button of all("[data-slot]", region)) button.addEventListener("click", () => choose(button.dataset.slot));
  for (const button of all("[data-clear]", region)) button.addEventListener("click", () => ask(button.dataset.clear));
  mark();
}

// --- a blocked slot is cleared with a reason ---

const sheet = one("[data-sheet]");
let clearing = null;

function ask(name) {
  clearing = name;
  one("[data-sheet-title]").textContent = `${name}: ${word("tap_clear")}`;
  sheet.hidden = false;
  one("#clear-reason").focus();
}

one("[data-sheet-close]").addEventListener("click", () => (sheet.hidden = true));
one("[data-clear-form]").addEventListener("submit", (event) => {
  event.preventDefault();
  sheet.hidden = true;
  screen.do("clear", { slot: clearing, reason: one("#clear-reason").value });
  event.target.reset();
});
region.addEventListener("refreshed", wire);
wire();
