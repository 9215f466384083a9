// Keeps what is marked data-live="ADDRESS" as it stands: when something was recorded, the page asks for
// that part again. Scripts hear of it too, by the event "recorded" on the body. Does nothing on a page
// that has no [data-pulse].
const pulse = document.querySelector("[data-pulse]");
const regions = new Map();

function say(state) {
  pulse.dataset.state = state;
  pulse.textContent = state === "live" ? pulse.dataset.liveWords : pulse.dataset.lostWords;
}

const FOCUSED = "a[href], button, summary, input, select, textarea, [tabindex]";

// New content in a region; who was at a link or a button by the keyboard is there still.
export function replace(region, html) {
  const before = [...region.querySelectorAll(FOCUSED)];
  const at = before.indexOf(document.activeElement);
  const name = (one) => one.getAttribute("href") ?? JSON.stringify({ ...one.dataset, package: undefined, tag: one.tagName });
  const same = at < 0 ? 0 : before.slice(0, at).filter((one) => name(one) === name(before[at])).length;
  region.innerHTML = html;
  if (at >= 0) [...region.querySelectorAll(FOCUSED)].filter((one) => name(one) === name(before[at]))[same]?.focus();
}

async function refresh(region) {
  const standing = regions.get(region);
  if (standing) {
    regions.set(region, "again");
    return;
  }
  regions.set(region, "asking");
  try {
    // X-Background: nobody at the screen asked for this, so it keeps no station's session awake.
    const answer = await fetch(region.dataset.live, { headers: { Accept: "text/html", "X-Background": "live" } });
    if (answer.redirected || answer.status === 401) {
      location.reload(); // the login has expired, or the station is locked
      return;
    }
    if (answer.ok) {
      replace(region, await answer.text());
      region.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
    }
  } catch {
    say("lost");
  } finally {
    const asked = regions.get(region) === "again";
    regions.delete(region);
    if (asked) refresh(region);
  }
}

function hear(said) {
  if (said !== "changed") {
    say(said);
    return;
  }
  say("live");
  if (document.hidden) {
    missed = true; // looked up when somebody looks
    return;
  }
  for (const region of document.querySelectorAll("[data-live]")) refresh(region);
  document.body.dispatchEvent(new CustomEvent("recorded"));
}

let missed = false;
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && missed) {
    missed = false;
    hear("changed");
  }
});

function shared() {
  const { port } = new SharedWorker("/static/live-worker.js", { name: "birthmark-live" });
  port.addEventListener("message", ({ data }) => hear(data));
  port.start();
  port.postMessage("come");
  addEventListener("pagehide", () => port.postMessage("leave"));
  addEventListener("pageshow", (event) => event.persisted && port.postMessage("come"));
}

// Where a browser has no SharedWorker (Android's had none for long), a hidden tab lets its stream go.
function alone() {
  let source = null;
  const close = () => {
    source?.close();
    source = null;
  };
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource("/live");
    source.addEventListener("open", () => hear("live"));
    source.addEventListener("changed", () => hear("changed"));
    source.addEventListener("error", () => {
      hear("lost");
      if (source?.readyState === EventSource.CLOSED) {
        close();
        setTimeout(open, 5000);
      }
    });
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

if (pulse) "SharedWorker" in window ? shared() : alone();
