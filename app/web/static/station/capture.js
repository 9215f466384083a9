// One capture for wedge scanner, camera and keyboard: characters become scans, whatever has the focus.
//
// * A scan ends with Enter or Tab (a wedge's usual suffixes) or, in an ISO 15434 label, with EOT; never by time.
//   A scanner's gaps are as long as the computer is busy, so what belongs together cannot be told by the clock.
// * A scanner that is set to send a prefix (STX, or whatever `prefix` says) begins anew with it: what an interrupted
//   scan left over is handed on as a scan of its own, and is refused there.
// * Control characters come as Ctrl+letter (Ctrl+] is GS) or as Alt and digits, as wedges are set.
// * A person who types sees what is typed, Backspace takes back, Escape clears.
// * In a field of its own (a comment, a PIN) typing is left alone.

const EOT = "\x04";
const STX = "\x02";
const CONTROL = /^[A-Z[\\\]^_@]$/;

export class Capture {
  // onScan(text, at) for each scan, `at` by the clock of events; onChange(text) whenever what has arrived so far changes.
  constructor({ onScan, onChange = () => {}, prefix = "" }) {
    this.onScan = onScan;
    this.onChange = onChange;
    this.prefix = prefix;
    this.arrived = "";
    this.digits = null; // of a character typed as Alt and its number
    this.suffix = ""; // what may still follow a scan that has ended
    addEventListener("keydown", (event) => this.down(event), true);
    addEventListener("keyup", (event) => this.up(event), true);
    addEventListener("paste", (event) => this.paste(event), true);
  }

  // What a camera read, or a pasted text: a scan of its own, whatever else is under way.
  whole(text) {
    this.onScan(text);
  }

  down(event) {
    if (event.isComposing || elsewhere(event.target)) return;
    if (this.follows(event)) return this.take(event);
    if (event.altKey && !event.ctrlKey && /^\d$/.test(event.key)) {
      this.digits = (this.digits ?? "") + event.key;
      return this.take(event);
    }
    if (event.ctrlKey && !event.altKey) return this.control(event);
    if (event.altKey !== event.ctrlKey || event.metaKey) return; // AltGr is Ctrl and Alt
    if (event.key === "Enter" || event.key === "Tab") return this.end(event);
    if (event.key === "Escape") return this.set("");
    if (event.key === "Backspace") return this.arrived && (this.take(event), this.set(this.arrived.slice(0, -1)));
    if (event.key.length !== 1 || (event.key === " " && !this.arrived)) return;
    this.take(event);
    this.add(event.key);
  }

  // The Enter after an EOT, the line feed after an Enter: part of the scan that was, nothing for a focused button.
  follows(event) {
    const expected = this.suffix;
    this.suffix = "";
    if (expected === "enter") return event.key === "Enter" || event.key === "Tab";
    return expected === "feed" && event.ctrlKey && event.key.toLowerCase() === "j";
  }

  // Ctrl+] is GS; Ctrl+C and the like stay the browser's unless a scan is under way.
  control(event) {
    const letter = event.key.toUpperCase();
    const code = CONTROL.test(letter) ? letter.charCodeAt(0) - 64 : 0;
    if (!code || (!this.arrived && code !== 2)) return;
    if (code === 13 || code === 10 || code === 9) return this.end(event);
    this.take(event);
    this.add(String.fromCharCode(code));
  }

  up(event) {
    if (event.key !== "Alt" || this.digits === null) return;
    const code = Number(this.digits);
    this.digits = null;
    if (code > 0 && code < 256) this.add(String.fromCharCode(code));
  }

  paste(event) {
    if (elsewhere(event.target)) return;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (text.trim()) this.whole(text);
  }

  add(character) {
    if (character === STX || (this.prefix && (this.arrived + character).endsWith(this.prefix))) {
      const left = character === STX ? this.arrived : (this.arrived + character).slice(0, -this.prefix.length);
      this.set("");
      if (left) this.onScan(left);
      return;
    }
    this.set(this.arrived + character);
    if (character === EOT) this.finish("enter");
  }

  // With nothing arrived, Enter and Tab are the keyboard's own.
  end(event) {
    if (!this.arrived) return;
    this.take(event);
    this.finish("feed", event.timeStamp);
  }

  finish(suffix, at) {
    this.suffix = suffix;
    const text = this.arrived;
    this.set("");
    this.onScan(text, at);
  }

  set(text) {
    this.arrived = text;
    this.onChange(text);
  }

  take(event) {
    event.preventDefault();
    event.stopPropagation();
  }
}

function elsewhere(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
}
