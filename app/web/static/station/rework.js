// Rework: what was found is tapped, what was done is said; a part that is replaced takes the scan of its reel.
import { Board } from "./board.js";
import { all, one, word } from "./screen.js";
import { Sheet } from "./sheet.js";
import { UnitScreen } from "./unit.js";

let board = null;
let repairs = [];
let wanting = null; // the place whose new part's reel is to be scanned
const names = Object.fromEntries(all("[data-code]").map((button) => [button.dataset.code, button.textContent]));

const sheet = new Sheet((place, action) => {
  if (action === "replaced") return want(place);
  add({ reference_designator: place, action });
});

const unit = new UnitScreen({
  begin: "start_repair",
  end: "repair",
  details(outcome) {
    if (wanting !== null) return void unit.screen.wrong(word("scan_reel", { place: wanting })) ?? null;
    if (outcome === "passed" && !repairs.length) return void unit.screen.wrong(word("nothing_done")) ?? null;
    return { succeeded: outcome === "passed", repairs };
  },
  takeOff() {
    const last = wanting === null ? repairs.pop() : { reference_designator: wanting, action: "replaced" };
    wanting = null;
    show();
    return last && `${last.reference_designator || word("whole_board")} · ${names[last.action]}`;
  },
  arrived(box) {
    repairs = [];
    wanting = null;
    board = box ? new Board(box, (places) => sheet.ask(places)) : null;
    show();
  },
  other(kind, value) {
    if (!unit.current) return false;
    if (wanting !== null && (kind === "label" || kind === "other")) return reel(value), true;
    const place = value.toUpperCase();
    if (kind === "label") return unit.screen.wrong(word("place_first")), true;
    if (kind !== "other" || !board?.names().has(place)) return false;
    board.reveal(place);
    sheet.ask([place]);
    return true;
  },
});

function want(place) {
  wanting = place;
  unit.screen.note(word("scan_reel", { place }), "noted");
  show();
}

async function reel(label) {
  const place = wanting;
  const asked = new URLSearchParams({ serial: unit.current.serial, designator: place, label });
  let found;
  try {
    const answer = await fetch(`/station/replacement?${asked}`, { headers: { Accept: "application/json" } });
    found = await answer.json();
    if (!answer.ok) return unit.screen.wrong(found.detail, label);
  } catch {
    found = { package: label, reasons: [] }; // judged when the server can be reached
  }
  if (found.reasons.length) return unit.screen.verdict({ outcome: "stop", title: word("not_loaded"), serial: found.package, reasons: found.reasons });
  wanting = null;
  unit.screen.verdict({ outcome: "go", title: word("loaded"), serial: `${place} · ${found.package}` });
  add({ reference_designator: place, action: "replaced", label });
}

function add(repair) {
  repairs = repairs.filter((one) => one.reference_designator !== repair.reference_designator || one.action !== repair.action);
  repairs.push(repair);
  show();
}

function show() {
  board?.mark(new Set(repairs.map((one) => one.reference_designator)), "good");
  board?.mark(new Set(wanting === null ? [] : [wanting]), "accent");
  one("[data-noted-box]").hidden = repairs.length === 0;
  one("[data-noted]").replaceChildren(
    ...repairs.map((entry, index) => {
      const [row, place, what, gone] = ["li", "b", "span", "button"].map((tag) => document.createElement(tag));
      place.textContent = entry.reference_designator || word("whole_board");
      place.className = "id";
      what.textContent = names[entry.action] + (entry.label ? ` · ${entry.label.slice(0, 40)}` : "");
      gone.textContent = "×";
      gone.className = "plain";
      gone.setAttribute("aria-label", `${place.textContent} ${what.textContent}`);
      gone.addEventListener("click", () => (repairs.splice(index, 1), show()));
      row.append(place, what, gone);
      return row;
    }),
  );
}
