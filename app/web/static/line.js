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

// One line after the other; of a line with more stations than the screen has room for, one part after the other.
let turn = 0;
let part = 0;
let parts = 1;
const fits = () => document.documentElement.scrollHeight <= innerHeight;
function show() {
  const lines = [...region.querySelectorAll("[data-turn]")];
  for (const [number, line] of lines.entries()) line.hidden = number !== turn % lines.length;
  const here = lines[turn % lines.length];
  if (!here) return;
  const stations = [...here.querySelectorAll(".wall-stations > li")];
  const only = (number, size) => stations.forEach((one, at) => (one.hidden = Math.floor(at / size) !== number));
  let size = stations.length;
  for (parts = 1; parts < stations.length; parts += 1) {
    size = Math.ceil(stations.length / parts);
    if (Array.from({ length: parts }).every((_, number) => (only(number, size), fits()))) break;
  }
  part %= parts;
  only(part, size);
  here.querySelector("[data-part]").textContent = parts > 1 ? `${part + 1} / ${parts}` : "";
}
if (region.dataset.every) {
  region.addEventListener("refreshed", show);
  addEventListener("resize", show);
  show();
  setInterval(() => {
    part += 1;
    if (part >= parts) {
      part = 0;
      turn += 1;
    }
    show();
  }, region.dataset.every * 1000);
  // Without TLS a browser keeps no screen on (Screen Wake Lock needs a secure context): then the panel's own setting must.
  const stayAwake = () => document.hidden || navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
}

setInterval(tick, 1000);
