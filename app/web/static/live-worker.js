// One stream of news for all tabs of this browser. Over HTTP/1.1 a browser holds six connections to a
// server: a seventh tab with a stream of its own would hang (a SharedWorker is shared by all of them).
const ports = new Set();
let source = null;
let state = "lost";
let again = 0;

function tell(said) {
  for (const port of ports) port.postMessage(said);
}

function open() {
  clearTimeout(again);
  source?.close();
  source = new EventSource("/live");
  source.addEventListener("open", () => tell((state = "live")));
  source.addEventListener("changed", () => tell("changed"));
  source.addEventListener("error", () => {
    tell((state = "lost"));
    // The browser tries again by itself, and says what it heard last, unless it was refused.
    if (source.readyState === EventSource.CLOSED) again = setTimeout(open, 5000);
  });
}

function leave(port) {
  ports.delete(port);
  if (ports.size) return;
  clearTimeout(again);
  source?.close();
  source = null;
}

addEventListener("connect", (event) => {
  const port = event.ports[0];
  port.addEventListener("message", ({ data }) => {
    if (data === "leave") return leave(port);
    ports.add(port);
    if (source) {
      port.postMessage(state);
      port.postMessage("changed"); // what happened while this tab was away
    } else {
      open();
    }
  });
  port.start();
});
