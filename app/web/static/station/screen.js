// What every screen of a station does alike: scans in, deeds out, verdicts up, the link and its queue in view.
import { Camera } from "./camera.js";
import { Capture } from "./capture.js";
import { Queue, newId } from "./queue.js";
import { readScan } from "./scan.js";
import { mute, muted, signal } from "./signals.js";

export const data = JSON.parse(document.getElementById("station-data").textContent);
export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

export function word(key, about = {}) {
  return (data.words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => about[name] ?? "");
}

const SHOWN = 2500; // ms a green verdict covers the screen; whoever works on needs the page below it
const ICONS = { go: "✓", stop: "✕", wait: "…", noted: "✓", undone: "↶" };
const KEPT_SCANS = 12;

export class Screen {
  // scan(scan) gets every scan that is neither refused nor a code of the control sheet; finish(outcome) PASS and FAIL;
  // answered(deed, answer) every answer to a deed of this screen's station; takeOff() takes back what was noted last and
  // is not sent yet, and tells what that was.
  constructor({ scan, finish = () => this.wrong(word("nothing_in_work")), answered = () => {}, takeOff = () => "" }) {
    Object.assign(this, { scan, finishes: finish, heard: answered, takeOff });
    this.online = this.keeps = true;
    this.asked = new Map(); // deed -> when its scan ended
    this.undoable = JSON.parse(sessionStorage.getItem(this.key("last")) ?? "null");
    this.capture = new Capture({
      onScan: (text, at) => this.take(text, at),
      onChange: (text) => this.arrived(text),
      prefix: localStorage.getItem("birthmark-prefix") ?? "",
    });
    this.queue = new Queue({
      address: "/station/deeds",
      token: one("meta[name=form-token]").content,
      onChange: (state) => this.link(state),
      onAnswer: (deed, answer) => deed.station === data.station && this.answer(deed, answer),
      onLocked: () => location.reload(),
    });
    this.camera = new Camera({ onScan: (text) => this.capture.whole(text), word });
    this.wire();
    this.queue.tell().then(() => this.queue.drain());
  }

  key(name) {
    return `birthmark-${name}-${data.station}`;
  }

  wire() {
    one("[data-mute]").addEventListener("click", () => (mute(!muted()), this.showMute(), signal("noted")));
    this.showMute();
    for (const button of all("[data-finish]")) button.addEventListener("click", () => this.finishes(button.dataset.finish));
    for (const button of all("[data-undo]")) button.addEventListener("click", () => this.undoLast());
    one("[data-verdict]").addEventListener("click", () => this.close());
    addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    addEventListener("offline", () => this.queue.away());
    one("[data-camera]")?.addEventListener("click", () => this.camera.open());
    this.showUndo();
    opensOffline().catch(() => {}); // where it cannot be had, a page that is loaded still works on without the server
    one("[data-lock]")?.addEventListener("submit", () => window.caches?.delete("birthmark-pages"));
  }

  showMute() {
    one("[data-mute]").setAttribute("aria-pressed", String(muted()));
    one("[data-mute-icon]").textContent = muted() ? "⊘" : "♪";
  }

  arrived(text) {
    const shown = one("[data-arrived]");
    if (shown) shown.textContent = text.replace(/[\x00-\x1f]/g, (sign) => String.fromCharCode(0x2400 + sign.charCodeAt(0)));
  }

  // --- scans ---

  take(text, at = performance.now()) {
    this.entered = at;
    this.close();
    const scan = readScan(text, data.formats);
    if (scan.kind === "refused") return this.wrong(word(scan.code, scan.about), scan.value);
    this.note("");
    if (scan.kind === "layout_test") return this.note(word("layout_right"), "noted");
    if (scan.kind === "badge") return this.leave();
    if (scan.kind === "station") return location.assign(`/station/${data.mode === "choose" ? "work" : data.mode}?at=${encodeURIComponent(scan.value)}`);
    if (scan.kind === "control") return this.control(scan.value);
    return this.scan(scan);
  }

  control(name) {
    if (name === "REPEAT") return this.repeat();
    if (name === "UNDO") return this.undoLast();
    return this.finishes(name === "PASS" ? "passed" : "failed");
  }

  leave() {
    const lock = one("[data-lock]");
    if (lock) lock.requestSubmit();
    else location.assign(`/login/badge?to=${encodeURIComponent(location.pathname + location.search)}`);
  }

  // --- deeds ---

  do(kind, fields = {}) {
    const deed = { kind, id: newId(), station: data.station, at: new Date().toISOString(), by: data.by, ...fields };
    this.asked.set(deed.id, this.entered);
    this.queue.put(deed);
    return deed;
  }

  answer(deed, answer) {
    if (answer.outcome === "unknown") return this.unknown(deed);
    if (answer.outcome === "undone") this.forget(deed);
    else if (!["refused", "stop", "unkept"].includes(answer.outcome)) this.remember(deed, answer);
    this.heard(deed, answer.outcome === "unkept" ? { outcome: "refused", reasons: [] } : answer);
    if (answer.outcome === "unkept") this.unkept(deed);
    const start = this.asked.get(deed.id);
    this.asked.delete(deed.id);
    // The frame that shows it, for whoever measures how long an operator waits.
    if (start) requestAnimationFrame(() => performance.measure("verdict", { start, end: performance.now() }));
  }

  remember(deed, answer) {
    if (deed.kind === "finish" || deed.kind === "visit" || deed.kind === "repair") this.count(1);
    if (deed.kind === "load") this.undoable = { kind: "unload", told: { slot: deed.slot, check: answer.check } };
    else if (!["start", "visit", "finish", "start_repair", "repair"].includes(deed.kind)) return;
    else if (deed.kind === "repair") {
      const { serial, transaction, repairs } = deed;
      this.undoable = { kind: "undo_repair", told: { serial, transaction, repairs }, counted: true };
    } else {
      const { transaction = deed.id, outcome = null, defects = [] } = deed;
      const counted = deed.kind === "finish" || deed.kind === "visit";
      this.undoable = { kind: "undo", told: { serial: answer.serial, transaction, outcome, defects }, counted };
    }
    this.showUndo();
  }

  forget({ transaction, check }) {
    const told = this.undoable?.told;
    if (!told || told.transaction !== transaction || told.check !== check) return;
    if (this.undoable.counted) this.count(-1);
    this.undoable = null;
    this.showUndo();
  }

  showUndo() {
    sessionStorage.setItem(this.key("last"), JSON.stringify(this.undoable));
    for (const button of all("[data-undo]")) button.disabled = !this.undoable;
  }

  undoLast() {
    const what = this.takeOff();
    if (what) this.note(word("taken_off", { what }), "noted");
    else this.undo();
  }

  undo() {
    if (!this.undoable) return this.wrong(word("nothing_to_undo"));
    this.do(this.undoable.kind, this.undoable.told);
  }

  count(by) {
    const shown = one("[data-count]");
    if (shown) shown.textContent = Number(shown.textContent) + by;
  }

  // --- what is shown ---

  link({ waiting, online, keeps }) {
    Object.assign(this, { online, keeps });
    const box = one("[data-link]");
    box.dataset.state = !online || !keeps ? "offline" : waiting ? "sending" : "online";
    const says = [online || word("offline"), keeps || word("keeps_nothing")].filter((one) => one !== true);
    one("[data-link-words]").textContent = says.join(" · ") || word("online");
    const count = one("[data-waiting]");
    count.hidden = waiting === 0 || (online && waiting < 2);
    count.textContent = word("waiting", { count: waiting });
    count.dataset.number = waiting;
  }

  note(text, kind = "") {
    const shown = one("[data-note]");
    shown.textContent = text;
    shown.dataset.kind = kind;
    if (kind) signal(kind);
  }

  // A scan that is refused refuses itself only: what was under way stays as it is.
  wrong(sentence, text = "") {
    this.note(sentence, "wrong");
    if (text) this.list({ outcome: "refused", serial: text, says: sentence });
  }

  verdict({ outcome, title, icon, serial = "", reasons = [], warnings = [], hint = "" }) {
    const box = one("[data-verdict]");
    clearTimeout(this.timer);
    box.dataset.outcome = outcome;
    one("[data-verdict-icon]").textContent = icon ?? ICONS[outcome];
    one("[data-verdict-word]").textContent = title ?? word(outcome);
    one("[data-verdict-serial]").textContent = serial;
    one("[data-verdict-hint]").textContent = hint || word("tap");
    one("[data-verdict-reasons]").replaceChildren(...reasons.map(reason), ...warnings.map((sentence) => reason({ sentence })));
    box.hidden = false;
    this.shown = { outcome, title, icon, serial, reasons, warnings, hint };
    signal(outcome === "undone" ? "noted" : outcome);
    if (outcome !== "stop" && outcome !== "wait") this.timer = setTimeout(() => this.close(), SHOWN);
  }

  repeat() {
    if (this.shown) this.verdict(this.shown);
  }

  close() {
    clearTimeout(this.timer);
    one("[data-verdict]").hidden = true;
  }

  refuse(deed, answer) {
    const says = answer.reasons[0]?.sentence ?? "";
    this.wrong(says);
    this.list({ id: deed.id, outcome: "refused", serial: deed.serial ?? deed.slot ?? "", says });
  }

  // Neither this browser nor the server has it: nobody may go on as if it were noted.
  unkept(deed) {
    const reasons = [{ sentence: word("cannot_keep"), clears: word("cannot_keep_clears") }];
    const serial = deed.serial ?? deed.slot ?? "";
    this.verdict({ outcome: "stop", title: word("not_recorded"), serial, reasons });
    this.list({ id: deed.id, outcome: "refused", serial, says: word("not_recorded") });
  }

  // It was sent and may be recorded. The answer comes when the server is asked again.
  unknown(deed) {
    const reasons = [{ sentence: word("not_known_why"), clears: word("not_known_clears") }];
    const serial = deed.serial ?? deed.slot ?? "";
    this.verdict({ outcome: "wait", title: word("not_known"), serial, reasons });
    this.list({ id: deed.id, outcome: "wait", serial, says: word("not_known") });
  }

  list({ id, outcome, serial, says = "" }) {
    const list = one("[data-last]");
    if (!list) return;
    const row = (id && one(`[data-deed="${id}"]`, list)) || document.createElement("li");
    if (id) row.dataset.deed = id;
    row.className = `is-${outcome}`;
    const [icon, name, time, why] = ["span", "b", "time", "span"].map((tag) => document.createElement(tag));
    icon.textContent = ICONS[outcome] ?? "!";
    icon.setAttribute("aria-hidden", "true");
    name.textContent = serial;
    name.className = "id";
    why.textContent = says || word(outcome);
    time.textContent = new Date().toLocaleTimeString(document.documentElement.lang, { hour12: false });
    row.replaceChildren(icon, name, why, time);
    if (!row.parentElement) list.prepend(row);
    while (list.children.length > KEPT_SCANS) list.lastElementChild.remove();
  }
}

// Let this page be opened again while the server cannot be reached. Browsers allow it over https, or on the server itself.
async function opensOffline() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register("/station/offline.js");
  const { active } = await navigator.serviceWorker.ready;
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  active.postMessage({ page: location.href, files: loaded.filter((name) => new URL(name).pathname.startsWith("/static/")) });
}

function reason({ sentence, clears = "", right = "" }) {
  const [item, what, how] = ["li", "p", "p"].map((tag) => document.createElement(tag));
  what.textContent = sentence;
  how.textContent = [clears, right].filter(Boolean).join(" ");
  how.className = "clears";
  item.append(what, how);
  return item;
}
