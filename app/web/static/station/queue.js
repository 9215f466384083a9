// Deeds on their way to the server: kept in IndexedDB until they are answered, sent in order, each exactly once.
//
// The deed's id is made here and the server knows each id once, so sending it again harms nothing: a deed leaves the
// queue only when its answer has come. Closing the page, a dead network and a second tab lose and double nothing.
// Where this browser cannot keep it (its disk is full), it is sent in its turn while the server answers, and else refused
// aloud. Once it was sent and no answer came, nobody knows whether it is recorded: it is asked again until that is known.

const STORE = "deeds";
const PATIENCE = 8000; // ms for an answer before the network counts as away
const WAITS = [500, 1000, 2000, 5000]; // ms between attempts
const LOOK = 10_000; // ms between two looks whether the server is there, while there is nothing to send
const READ = 5000; // ms to read that a scan is lost before the page goes
const FAULTS = 3; // answers 500 to one deed before the ones behind it may go on
const ASKED = "birthmark-asked"; // of this tab: deeds that were sent, are kept nowhere else and have no answer yet

export class Queue {
  // address: where deeds are posted; token: this session's form token. onChange({waiting, online, keeps}) and
  // onAnswer(deed, answer) tell; onLocked() when the session has ended. An answer is the server's JSON; a refusal is
  // {outcome: "refused", reasons: [{sentence}], lanes: of a slot, one of which must be said}. {outcome: "unkept"} says
  // that a deed was neither kept nor sent, {outcome: "unknown"} that it was sent, is not kept and will be answered later.
  constructor({ address, token, onChange, onAnswer, onLocked }) {
    Object.assign(this, { address, token, onChange, onAnswer, onLocked });
    this.online = true;
    this.keeps = true; // whether this browser kept what it was given last
    this.unkept = remembered().map((deed) => ({ deed, before: 0 })); // before: the first place kept behind it
    this.sent = new Set(this.unkept.map(({ deed }) => deed.id)); // ids of deeds that may have arrived
    this.stuck = new Set(); // places of deeds that were answered and cannot be taken out
    this.attempt = 0;
    this.faults = new Map();
    this.busy = Promise.resolve();
    this.first = Promise.resolve();
    this.turn = 0;
    this.clear = false; // nothing waits: the next deed has none before it
    this.told = new Set(); // ids of deeds whose answers were handed on
    this.others = "BroadcastChannel" in window ? new BroadcastChannel("birthmark-deeds") : null;
    this.others?.addEventListener("message", ({ data }) => this.answered(data.deed, data.answer));
    this.open = opened().catch(() => null);
    addEventListener("online", () => this.drain());
    addEventListener("focus", () => this.drain());
  }

  // While the server answers, its disk counts, and a deed with none before it is sent while it is being kept here. When
  // it does not, this disk must have the deed before anybody goes on.
  async put(deed) {
    const next = { deed, kept: this.keep(deed) };
    if (this.clear) return (this.first = this.sendFirst(next));
    this.turn++; // whoever looks just now may not have seen it: what comes next is not the first
    if ((await next.kept) === null && !this.online) this.giveUp();
    this.tell();
    this.drain();
  }

  // Keep a deed; its place in the queue, null where it could not be kept.
  async keep(deed) {
    const durability = this.online ? "relaxed" : "strict";
    const place = await this.change((deeds) => deeds.add(deed), { durability }).catch(() => null);
    this.keeps = place !== null;
    if (!this.keeps) this.unkept.push({ deed, before: Infinity });
    else for (const one of this.unkept) one.before = Math.min(one.before, place);
    return place;
  }

  // A disk that is full shows when the transaction ends: what was asked within it may have gone well.
  async change(what, how = {}) {
    const transaction = (await this.open).transaction(STORE, "readwrite", how);
    const request = what(transaction.objectStore(STORE));
    return new Promise((resolve, reject) => {
      transaction.addEventListener("complete", () => resolve(request.result));
      transaction.addEventListener("abort", () => reject(transaction.error));
    });
  }

  async waiting() {
    return done((await this.open).transaction(STORE).objectStore(STORE).getAll());
  }

  // What is not kept and was not sent is lost while the server does not answer, and its operator must know at once.
  giveUp() {
    for (const { deed } of this.unkept.filter((one) => !this.sent.has(one.deed.id))) this.lost(deed);
  }

  lost(deed) {
    this.settled(deed);
    this.told.add(deed.id);
    this.onAnswer(deed, { outcome: "unkept" });
  }

  settled(deed) {
    this.unkept = this.unkept.filter((one) => one.deed.id !== deed.id);
    this.remember();
  }

  // The page may be loaded again before the answer comes.
  remember() {
    const asked = this.unkept.map(({ deed }) => deed).filter(({ id }) => this.sent.has(id));
    try {
      sessionStorage.setItem(ASKED, JSON.stringify(asked));
    } catch {
      return; // it is asked again while this page is open
    }
  }

  // Not in a turn of its own: waiting for one takes as long as the page needs to draw. Another tab that comes upon the
  // deed meanwhile gets the same answer.
  async sendFirst(next) {
    this.clear = false;
    clearTimeout(this.timer);
    try {
      if (await this.deliver(next)) this.drain(1);
    } catch {
      this.away();
    }
  }

  drain(sent = 0) {
    clearTimeout(this.timer);
    this.clear = false;
    const turn = ++this.turn;
    const run = () => this.first.then(() => this.sendAll(sent, turn)).catch(() => this.away());
    this.busy = navigator.locks ? navigator.locks.request("birthmark-deeds", run) : this.busy.then(run);
    return this.busy;
  }

  async sendAll(sent, turn) {
    for (let next; (next = await this.next()); sent++) {
      if (!(await this.deliver(next))) return;
    }
    if (!sent) await fetch("/healthz", { method: "HEAD", signal: AbortSignal.timeout(PATIENCE) });
    this.clear = turn === this.turn;
    this.reached();
  }

  // Whether the deed was answered and has left the queue.
  async deliver({ deed, kept }) {
    const before = this.sent.has(deed.id);
    this.sent.add(deed.id);
    const answer = await this.send(deed);
    if (answer?.outcome) this.answered(deed, answer); // nobody waits for this disk: sent again, it is answered the same
    const place = await kept;
    if (place === null) this.without(deed, answer, before);
    if (answer === null) this.away();
    else if (answer === "locked") setTimeout(() => this.onLocked(), place === null ? READ : 0);
    if (!answer?.outcome) return false;
    if (place === null) return true;
    await this.change((deeds) => deeds.delete(place)).catch(() => this.stuck.add(place));
    this.others?.postMessage({ deed, answer });
    return true;
  }

  // What became of a deed that is kept nowhere: answered, turned away at the door, or nobody knows.
  without(deed, answer, before) {
    if (answer?.outcome) return this.settled(deed);
    if (answer === "locked" && !before) return this.lost(deed);
    this.remember();
    if (!before) this.onAnswer(deed, { outcome: "unknown" });
  }

  // The deed whose turn it is; kept or not, they go in the order in which they were done.
  async next() {
    const [first] = this.unkept;
    return (await this.oldest(first?.before)) ?? (first ? { deed: first.deed, kept: null } : null);
  }

  // The oldest deed that is kept, below the place `before`.
  async oldest(before = Infinity) {
    if (!(await this.open)) return null;
    const request = (await this.open).transaction(STORE).objectStore(STORE).openCursor(IDBKeyRange.upperBound(before, true));
    return new Promise((resolve, reject) => {
      request.addEventListener("error", () => reject(request.error));
      request.addEventListener("success", ({ target: { result: cursor } }) => {
        if (cursor && this.stuck.has(cursor.primaryKey)) cursor.continue();
        else resolve(cursor && { deed: cursor.value, kept: cursor.primaryKey });
      });
    });
  }

  // The answer; null where none came; "locked" where nobody is logged in any more.
  async send(deed) {
    let response;
    try {
      response = await fetch(this.address, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-Form-Token": this.token },
        body: JSON.stringify({ ...deed, sent_at: new Date().toISOString() }),
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (response.status === 401 || response.redirected) return "locked";
      if (response.ok) return await response.json();
      const problem = await response.json();
      if (problem.type === "/problems/form_expired") return "locked"; // the page is of a session that has ended
      if (response.status === 503) return null; // nobody is at fault: the database is away, and the deed waits
      if (response.status < 500 || this.fails(deed)) {
        return { outcome: "refused", reasons: [{ sentence: problem.detail }], lanes: problem.lanes };
      }
    } catch {
      return null;
    }
    return null;
  }

  fails(deed) {
    const count = (this.faults.get(deed.id) ?? 0) + 1;
    this.faults.set(deed.id, count);
    return count >= FAULTS;
  }

  answered(deed, answer) {
    this.reached();
    if (this.told.has(deed.id)) return;
    this.told.add(deed.id);
    this.onAnswer(deed, answer);
  }

  reached() {
    this.online = true;
    this.attempt = 0;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.drain(), LOOK);
    this.tell();
  }

  away() {
    this.online = false;
    this.clear = false;
    this.giveUp();
    this.tell();
    this.timer = setTimeout(() => this.drain(), WAITS[Math.min(this.attempt++, WAITS.length - 1)]);
  }

  async tell() {
    const store = await this.open;
    const places = store ? await done(store.transaction(STORE).objectStore(STORE).getAllKeys()) : [];
    const waiting = places.filter((place) => !this.stuck.has(place)).length + this.unkept.length;
    this.onChange({ waiting, online: this.online, keeps: this.keeps });
  }
}

function remembered() {
  return JSON.parse(sessionStorage.getItem(ASKED) ?? "[]");
}

function opened() {
  const request = indexedDB.open("birthmark-station", 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE, { autoIncrement: true }));
  return done(request);
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}

// Random (RFC 9562, version 4). `crypto.randomUUID` exists only where the page came over TLS.
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
