// Visual inspection: defects are tapped onto the board (or their designators typed), then PASS or FAIL.
import { Board } from "./board.js";
import { all, one, word } from "./screen.js";
import { Sheet } from "./sheet.js";
import { UnitScreen } from "./unit.js";

let board = null;
let noted = [];
const names = Object.fromEntries(all("[data-code]").map((button) => [button.dataset.code, button.textContent]));

const sheet = new Sheet((place, code) => {
  noted.push({ reference_designator: place, code });
  show();
});

const unit = new UnitScreen({
  details(outcome) {
    if (outcome === "passed" && noted.length) return void unit.screen.wrong(word("defects_noted")) ?? null;
    if (outcome === "failed" && !noted.length) return void unit.screen.wrong(word("no_defects")) ?? null;
    return { outcome, inspected: true, defects: noted };
  },
  takeOff() {
    const last = noted.pop();
    show();
    return last && `${last.reference_designator || word("whole_board")} · ${names[last.code] ?? last.code}`;
  },
  arrived(box) {
    noted = [];
    board = box ? new Board(box, (places) => sheet.ask(places)) : null;
    const boards = all("[data-board]");
    for (const button of boards) button.addEventListener("click", () => choose(button.dataset.board));
    if (boards.length) unit.screen.note(word("choose_board"), "noted");
    show();
  },
  // A typed designator does what a tap does.
  other(kind, value) {
    const place = value.toUpperCase();
    if (kind !== "other" || !unit.current) return false;
    if (!board?.names().has(place) && !(board?.names().size === 0 && /^[A-Z]{1,3}\d{1,4}$/.test(place))) return false;
    board.reveal(place);
    sheet.ask([place]);
    return true;
  },
});

// A panel was scanned: the board that is meant is scanned in its place.
function choose(serial) {
  unit.screen.undo();
  const wait = setInterval(() => {
    if (unit.current || unit.out) return;
    clearInterval(wait);
    unit.take(serial);
  }, 50);
}

function show() {
  board?.mark(new Set(noted.map((one) => one.reference_designator)), "bad");
  one("[data-noted-box]").hidden = noted.length === 0;
  one("[data-noted]").replaceChildren(
    ...noted.map((entry, index) => {
      const [row, place, what, gone] = ["li", "b", "span", "button"].map((tag) => document.createElement(tag));
      place.textContent = entry.reference_designator || word("whole_board");
      place.className = "id";
      what.textContent = names[entry.code] ?? entry.code;
      gone.textContent = "×";
      gone.className = "plain";
      gone.setAttribute("aria-label", `${place.textContent} ${what.textContent}`);
      gone.addEventListener("click", () => (noted.splice(index, 1), show()));
      row.append(place, what, gone);
      return row;
    }),
  );
}
