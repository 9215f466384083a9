// Deeds on their way to the server: kept in IndexedDB until they are answered, sent in order, each exactly once.
//
// The deed's id is made here and the server knows each id once, so sending it again harms nothing: a deed leaves the
// queue only when its answer has come. Closing the page, a dead network and a second tab lose and double nothing.

const STORE = "deeds";
const PATIENCE = 8000; // ms for an answer before the network counts as away
const WAITS = [500, 1000, 2000, 5000]; // ms between attempts
const LOOK = 10_000; // ms between two looks whether the server is there, while there is nothing to send
const FAULTS = 3; // answers 500 to one deed before the ones behind it may go on

export class Queue {
  // address: where deeds are posted; token: this session's form token. onChange({waiting, online}) and
  // onAnswer(deed, answer) tell; onLocked() when the session has ended. An answer is the server's JSON; a refusal is
  // {outcome: "refused", reasons: [{sentence}]}.
  constructor({ address, token, onChange, onAnswer, onLocked }) {
    Object.assign(this, { address, token, onChange, onAnswer, onLocked });
    this.online = true;
    this.attempt = 0;
    this.faults = new Map();
    this.busy = Promise.resolve();
    this.others = "BroadcastChannel" in window ? new BroadcastChannel("birthmark-deeds") : null;
    this.others?.addEventListener("message", ({ data }) => this.answered(data.deed, data.answer));
    this.open = opened();
    addEventListener("online", () => this.drain());
    addEventListener("focus", () => this.drain());
  }

  async put(deed) {
    const database = await this.open;
    // While the server answers, its disk counts; when it does not, this one must have the deed before anybody goes on.
    const durability = this.online ? "relaxed" : "strict";
    await done(database.transaction(STORE, "readwrite", { durability }).objectStore(STORE).add(deed));
    this.tell();
    this.drain();
  }

  async waiting() {
    return done((await this.open).transaction(STORE).objectStore(STORE).getAll());
  }

  drain() {
    clearTimeout(this.timer);
    const run = () => this.sendAll().catch(() => this.away());
    this.busy = navigator.locks ? navigator.locks.request("birthmark-deeds", run) : this.busy.then(run);
    return this.busy;
  }

  async sendAll() {
    for (let sent = 0; ; sent++) {
      const database = await this.open;
      const cursor = await done(database.transaction(STORE).objectStore(STORE).openCursor());
      if (!cursor && !sent) await fetch("/healthz", { method: "HEAD", signal: AbortSignal.timeout(PATIENCE) });
      if (!cursor) break;
      const answer = await this.send(cursor.value);
      if (answer === null) return this.away();
      if (answer === "locked") return this.onLocked();
      const gone = done(database.transaction(STORE, "readwrite").objectStore(STORE).delete(cursor.primaryKey));
      this.answered(cursor.value, answer); // nobody waits for the delete: sent again, it is answered the same
      await gone;
      this.others?.postMessage({ deed: cursor.value, answer });
    }
    this.reached();
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
      if (response.status < 500 || this.fails(deed)) return { outcome: "refused", reasons: [{ sentence: problem.detail }] };
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
    this.tell();
    this.timer = setTimeout(() => this.drain(), WAITS[Math.min(this.attempt++, WAITS.length - 1)]);
  }

  async tell() {
    const waiting = await done((await this.open).transaction(STORE).objectStore(STORE).count());
    this.onChange({ waiting, online: this.online });
  }
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
