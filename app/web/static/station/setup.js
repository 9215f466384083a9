// Feeder set-up: slot, then reel. A slot that is scanned while its reel is in it, then that reel, then another: a splice.
import { replace } from "../live.js";
import { Modal } from "./modal.js";
import { Screen, all, data, one, word } from "./screen.js";
import { signal } from "./signals.js";

let slot = null; // {name, lane, packages} of the slot that was scanned, or of the lane that was tapped
let replaces = null;
const region = one("[data-slots]");
const lanes = one("[data-lanes]");

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
    if (answer.outcome === "refused") return screen.refuse(deed, answer), askLane(deed, answer.lanes);
    const good = answer.outcome !== "stop";
    if (answer.outcome === "undone") {
      screen.verdict({ outcome: "undone", serial: answer.slot, reasons: [{ sentence: word("as_before", { reel: answer.package ?? word("slot_empty") }) }] });
      return refresh();
    }
    const title = deed.kind === "clear" ? word("cleared") : word(good ? "loaded" : "not_loaded");
    const lane = answer.lane && `${word("lane")} ${answer.lane}`;
    const serial = [answer.slot, lane, answer.package].filter(Boolean).join(" · ");
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

function choose(name, lane = "") {
  const buttons = all("[data-slot]", region).filter((one) => one.dataset.slot === name && (!lane || one.dataset.lane === lane));
  slot = name ? { name, lane, packages: buttons.map((one) => one.dataset.package).filter(Boolean) } : null;
  replaces = null;
  askLane({});
  mark();
  one("[data-prompt]").dataset.state = slot ? "busy" : "idle";
  one("[data-prompt-state]").textContent = slot ? word("reel_next", { slot: shown(name, lane) }) : word("scan_slot");
  if (slot) signal("noted");
  buttons[0]?.scrollIntoView({ block: "nearest" });
}

const shown = (name, lane) => (lane ? `${name} · ${word("lane")} ${lane}` : name);

// A maker's label bears it as a field of its own, behind a data identifier: 3SR-1.
const bears = (label, identifier) => label.split(/[\x04\x1d\x1e\u2404\u241d\u241e]/).some((field) =>
  field.endsWith(identifier) && /^\d{0,3}[A-Z]$/.test(field.slice(0, -identifier.length)));

function reel(label) {
  const inside = slot.packages.find((one) => label === one) ?? slot.packages.find((one) => bears(label, one));
  if (inside && replaces === null) {
    replaces = inside;
    return screen.note(word("splice_next", { slot: shown(slot.name, slot.lane), reel: inside }), "noted");
  }
  screen.do("load", { slot: slot.name, label, ...(slot.lane ? { lane: slot.lane } : {}), ...(replaces ? { replaces } : {}) });
  replaces = null;
}

// A reel that may go into several lanes of its slot is not guessed to be in one of them.
function askLane({ slot, label }, names = []) {
  lanes.hidden = !names.length;
  lanes.replaceChildren(...names.map((name) => {
    const button = document.createElement("button");
    button.textContent = `${word("lane")} ${name}`;
    button.addEventListener("click", () => {
      askLane({});
      screen.do("load", { slot, label, lane: name });
    });
    return button;
  }));
}

function mark() {
  for (const button of all("[data-slot]", region)) button.setAttribute("aria-pressed", String(button.dataset.slot === slot?.name && [button.dataset.lane, ""].includes(slot.lane)));
}

async function refresh() {
  try {
    const answer = await fetch(region.dataset.live, { headers: { Accept: "text/html" } });
    if (answer.ok) replace(region, await answer.text());
  } catch {
    return; // the next news brings it
  }
  wire();
}

function wire() {
  for (const button of all("[data-slot]", region)) button.addEventListener("click", () => choose(button.dataset.slot, button.dataset.lane));
  for (const button of all("[data-clear]", region)) button.addEventListener("click", () => ask(button.dataset.clear));
  mark();
}

// --- a blocked slot is cleared with a reason ---

const sheet = new Modal(one("[data-sheet]"), { shown: all("[data-verdict]") });
let clearing = null;

function ask(name) {
  clearing = name;
  one("[data-sheet-title]").textContent = `${name}: ${word("tap_clear")}`;
  sheet.open(one("#clear-reason"));
}

one("[data-sheet-close]").addEventListener("click", () => sheet.close());
one("[data-clear-form]").addEventListener("submit", (event) => {
  event.preventDefault();
  sheet.close();
  screen.do("clear", { slot: clearing, reason: one("#clear-reason").value });
  event.target.reset();
});
region.addEventListener("refreshed", wire);
wire();
