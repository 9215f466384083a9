// The line board, on a page and on a wall: says when what it shows is old, shows several lines in turn, keeps the screen
// on. live.js brings the news; here is only what follows from it.
const region = document.querySelector("[data-live]");
const pulse = document.querySelector("[data-pulse]");
const old = document.querySelector("[data-old]");
const since = document.querySelector("[data-old-since]");
const clock = document.querySelector("[data-clock]");
const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "UTC" });

// Without a stream for this long what is shown counts as old; a server that starts again is back sooner.
const PATIENCE = 5_000;
let heard = Date.now();
let lostAt = 0;

function tick() {
  const live = pulse.dataset.state === "live";
  if (live) {
    heard = Date.now();
    lostAt = 0;
  } else {
    lostAt ||= Date.now();
  }
  const isOld = !live && Date.now() - lostAt > PATIENCE;
  if (isOld) since.textContent = `${time.format(heard)} UTC`;
  old.hidden = !isOld;
  document.body.classList.toggle("is-old", isOld);
  if (clock) clock.textContent = `${time.format(Date.now())} UTC`;
}

// One line after the other.
let turn = 0;
function show() {
  const lines = [...region.querySelectorAll("[data-turn]")];
  for (const [number, line] of lines.entries()) line.hidden = number !== turn % lines.length;
}
if (region.dataset.every) {
  region.addEventListener("refreshed", show);
  setInterval(() => {
    turn += 1;
    show();
  }, region.dataset.every * 1000);
  // Without TLS a browser keeps no screen on (Screen Wake Lock needs a secure context): then the panel's own setting must.
  const stayAwake = () => document.hidden || navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
}

setInterval(tick, 1000);
