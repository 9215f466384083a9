// A drawn board under a gloved finger: the part that is tapped, or the few that are near; sides; larger and smaller.
const one = (selector, root) => root.querySelector(selector); // not the screen's: the passport draws boards, too
const all = (selector, root) => [...root.querySelectorAll(selector)];

const NEAR = 22; // px around a finger: half of a 44 px target
const ZOOMS = [1, 1.6, 2.5, 4];

export class Board {
  // onPlace(designators): the one that was tapped, or those a finger may have meant.
  constructor(box, onPlace) {
    this.box = box;
    this.zoom = 0;
    for (const drawing of all("svg.board", box)) drawing.addEventListener("click", (event) => {
      const near = this.near(drawing, event);
      if (near.length) onPlace(near);
    });
    for (const button of all("[data-place]", box)) button.addEventListener("click", () => onPlace([button.dataset.place]));
    for (const button of all("[data-show-side]", box)) button.addEventListener("click", () => this.side(button.dataset.showSide));
    for (const button of all("[data-zoom]", box)) button.addEventListener("click", () => this.enlarge(button.dataset.zoom === "in" ? 1 : -1));
  }

  near(drawing, event) {
    const found = all(".part", drawing)
      .map((part) => ({ name: part.dataset.designator, away: away(one(".part-body", part).getBoundingClientRect(), event) }))
      .filter(({ away }) => away <= NEAR)
      .sort((a, b) => a.away - b.away);
    // A part that is larger than a finger and was hit is meant, whatever small ones lie around.
    const hit = event.target.closest(".part");
    const size = hit && one(".part-body", hit).getBoundingClientRect();
    if (size && Math.min(size.width, size.height) >= 2 * NEAR) return [hit.dataset.designator];
    return [...new Set(found.map(({ name }) => name))].slice(0, 6);
  }

  names() {
    return new Set(all(".part", this.box).map((part) => part.dataset.designator));
  }

  side(name) {
    for (const shown of all("[data-drawn]", this.box)) shown.hidden = shown.dataset.drawn !== name;
    for (const button of all("[data-show-side]", this.box))
      button.setAttribute("aria-pressed", String(button.dataset.showSide === name));
  }

  enlarge(by) {
    this.zoom = Math.max(0, Math.min(ZOOMS.length - 1, this.zoom + by));
    for (const box of all(".board-box", this.box)) box.dataset.zoom = this.zoom;
  }

  mark(designators, kind) {
    for (const part of all(".part", this.box)) part.classList.toggle(kind, designators.has(part.dataset.designator));
  }

  // Turn to the side a part is on.
  reveal(designator) {
    const drawn = one(`.part[data-designator="${CSS.escape(designator)}"]`, this.box)?.closest("[data-drawn]");
    if (drawn?.hidden) this.side(drawn.dataset.drawn);
  }
}

function away({ left, right, top, bottom }, { clientX: x, clientY: y }) {
  return Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
}
