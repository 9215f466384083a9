// A unit in work at a station: scanned, judged, worked on, finished; shared by scanning, inspection and rework.
import { Screen, all, data, one, word } from "./screen.js";

export class UnitScreen {
  // begin: the deed that starts a unit; details: of a finish (defects, repairs), or null where it may not be yet.
  constructor({ begin = "start", flow = () => "single", details = () => ({}), arrived = () => {}, other = () => false, end = "finish", takeOff }) {
    Object.assign(this, { begin, flow, details, arrived, other, end });
    this.current = data.in_work ? { serial: data.in_work, transaction: data.transaction } : null;
    this.out = null; // the deed whose answer is still out
    this.screen = new Screen({
      scan: (scan) => this.scan(scan),
      finish: (outcome) => this.finish(outcome),
      answered: (deed, answer) => this.answered(deed, answer),
      takeOff,
    });
    if (this.current) this.show();
  }

  scan({ kind, value }) {
    if (this.other(kind, value)) return;
    if (kind !== "serial" && kind !== "other") return this.screen.wrong(word("not_a_unit"), value);
    this.take(value);
  }

  take(serial) {
    const screen = this.screen;
    const through = this.flow() === "through";
    if (!through && this.out) return screen.wrong(word("answer_out", { serial: this.out.serial }));
    if (!through && this.current) {
      if (this.current.serial === serial) return screen.repeat();
      return screen.wrong(word("in_work_still", { serial: this.current.serial }), serial);
    }
    const unheard = !screen.online && data.policy === "fail_open_record" && this.begin === "start";
    const deed = screen.do(through ? "visit" : this.begin, { serial, ...(unheard ? { unheard } : {}) });
    if (unheard) return this.go(deed, { serial, outcome: "go", reasons: [{ sentence: word("no_answer_go") }] });
    this.out = through ? null : deed;
    if (screen.online) {
      setTimeout(() => this.out === deed && this.wait(deed), 1500);
      screen.list({ id: deed.id, outcome: "wait", serial });
    } else this.wait(deed);
  }

  wait(deed) {
    this.screen.verdict({ outcome: "wait", serial: deed.serial, reasons: [{ sentence: word(this.screen.keeps ? "no_answer" : "not_known_why") }] });
    this.screen.list({ id: deed.id, outcome: "wait", serial: deed.serial });
  }

  answered(deed, answer) {
    if (this.out?.id === deed.id) this.out = null;
    if (answer.outcome === "refused") {
      if (deed.unheard && this.current?.transaction === deed.id) this.current = null;
      if (deed.kind === this.end) this.current ??= { serial: deed.serial, transaction: deed.transaction };
      this.screen.close();
      this.screen.refuse(deed, answer);
      return this.show();
    }
    if (deed.kind === "undo" || deed.kind === "undo_repair") return this.undone(deed, answer);
    if (deed.kind === this.end) return this.ended(deed, answer);
    if (deed.unheard) return this.screen.list({ id: deed.id, outcome: "go", serial: answer.serial });
    if (answer.outcome === "stop") {
      this.screen.verdict({ ...answer, outcome: "stop" });
      return this.screen.list({ id: deed.id, outcome: "stop", serial: answer.serial, says: answer.reasons?.[0]?.sentence });
    }
    this.go(deed, answer);
  }

  go(deed, answer) {
    const through = deed.kind === "visit";
    this.screen.verdict({ ...answer, outcome: "go", hint: through ? word("go_on") : word("scan_pass") });
    this.screen.list({ id: deed.id, outcome: "go", serial: answer.serial });
    if (through) return;
    this.current = { serial: answer.serial, transaction: deed.id };
    this.show();
  }

  finish(outcome) {
    if (this.out) return this.screen.wrong(word("answer_out", { serial: this.out.serial }));
    if (!this.current) return this.screen.wrong(word("nothing_in_work"));
    const details = this.details(outcome);
    if (details === null) return;
    const deed = this.screen.do(this.end, { ...this.current, ...details });
    this.screen.list({ id: deed.id, outcome: "wait", serial: deed.serial });
    this.current = null;
    this.show();
  }

  ended(deed, answer) {
    if (answer.outcome === "stop") {
      this.current = { serial: deed.serial, transaction: deed.transaction };
      this.show();
      return this.screen.verdict({ ...answer, outcome: "stop" });
    }
    if (this.current?.transaction === deed.transaction) {
      this.current = null; // this page was loaded before the answer
      this.show();
    }
    const good = answer.sentence === "passed" || answer.sentence === "repaired";
    const icon = good ? "✓" : "✕";
    this.screen.verdict({ outcome: good ? "go" : "noted", title: word(answer.sentence), icon, serial: answer.serial, hint: word("go_on") });
    this.screen.list({ id: deed.id, outcome: good ? "go" : "stop", serial: answer.serial, says: word(answer.sentence) });
  }

  undone(deed, answer) {
    if (this.current?.transaction === deed.transaction) this.current = null;
    this.screen.verdict({ outcome: "undone", serial: answer.serial, reasons: [{ sentence: word("scan_again") }] });
    this.screen.list({ id: deed.id, outcome: "undone", serial: answer.serial });
    this.show();
  }

  show() {
    const busy = this.current !== null;
    one("[data-prompt]").dataset.state = busy ? "busy" : "idle";
    one("[data-prompt-state]").textContent = word(busy ? "in_work" : "scan_unit");
    one("[data-prompt-serial]").textContent = this.current?.serial ?? "";
    for (const button of all("[data-finish]")) button.disabled = !busy;
    this.look();
  }

  // The steps, the board, what was found: of the unit in work, or nothing.
  async look() {
    const box = one("[data-at-hand]");
    if (!this.current) {
      this.seen = null;
      box.replaceChildren();
      return this.arrived(null);
    }
    if (this.seen === this.current.serial) return;
    const serial = (this.seen = this.current.serial);
    const asked = new URLSearchParams({ at: data.station, serial, mode: data.mode });
    try {
      const answer = await fetch(`/station/at-hand?${asked}`, { headers: { Accept: "text/html" } });
      if (!answer.ok || this.seen !== serial) return;
      box.innerHTML = await answer.text();
      this.arrived(box);
    } catch {
      this.seen = null; // shown when the server can be reached again
    }
  }
}
