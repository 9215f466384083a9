// A box over the screen: the keyboard stays in it, Escape closes it, and then the focus is where it was before.
export class Modal {
  // shown: what is drawn over the box itself, and must still be reached.
  constructor(box, { shown = [], onClose = () => {} } = {}) {
    Object.assign(this, { box, shown, onClose, behind: [] });
    addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  open(first) {
    if (this.box.hidden) {
      this.from = document.activeElement;
      this.behind = around(this.box).filter((one) => !one.inert && !this.shown.includes(one));
      for (const one of this.behind) one.inert = true;
      this.box.hidden = false;
    }
    first?.focus();
  }

  close() {
    if (this.box.hidden) return;
    this.box.hidden = true;
    for (const one of this.behind) one.inert = false;
    if (this.from?.isConnected) this.from.focus();
    this.onClose();
  }
}

// Everything that is neither the box nor around it.
function around(box) {
  const found = [];
  for (let at = box; at !== document.body; at = at.parentElement) found.push(...[...at.parentElement.children].filter((one) => one !== at));
  return found;
}
