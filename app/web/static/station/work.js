// Scan, verdict, PASS or FAIL; or, where a visit is no more than a scan, each scan as a whole visit.
import { all } from "./screen.js";
import { UnitScreen } from "./unit.js";

const KEPT = "birthmark-flow";
const buttons = all("[data-flow]");
const flow = () => localStorage.getItem(KEPT) ?? "single";

function show() {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.flow === flow()));
  document.body.dataset.flow = flow();
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    localStorage.setItem(KEPT, button.dataset.flow);
    show();
  });
}
show();

new UnitScreen({ flow, details: (outcome) => ({ outcome }) });
