// The sheet that comes up over a board: which place is meant, then what is to be said of it.
import { Modal } from "./modal.js";
import { all, one, word } from "./screen.js";

export class Sheet {
  // onChoice(place, code)
  constructor(onChoice) {
    this.box = one("[data-sheet]");
    this.modal = new Modal(this.box, { shown: all("[data-verdict]") });
    this.onChoice = onChoice;
    one("[data-sheet-close]", this.box).addEventListener("click", () => this.close());
    for (const button of all("[data-code]", this.box))
      button.addEventListener("click", () => (this.close(), this.onChoice(this.place, button.dataset.code)));
  }

  ask(places) {
    if (places.length === 1) return this.of(places[0]);
    this.title(word("which_place"));
    const buttons = places.map((place) => {
      const button = document.createElement("button");
      button.textContent = place;
      button.className = "id";
      button.addEventListener("click", () => this.of(place));
      return button;
    });
    one("[data-places]", this.box).replaceChildren(...buttons);
    this.show(true);
  }

  of(place) {
    this.place = place;
    this.title(place || word("whole_board"));
    this.show(false);
  }

  title(text) {
    one("[data-sheet-title]", this.box).textContent = text;
  }

  show(places) {
    one("[data-places]", this.box).hidden = !places;
    one("[data-palette]", this.box).hidden = places;
    this.modal.open(one(places ? "[data-places] button" : "[data-palette] button", this.box));
  }

  close() {
    this.modal.close();
  }
}
