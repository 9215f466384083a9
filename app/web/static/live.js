// Keeps the part of the page marked data-live as the line stands: the server says that something
// changed, the page asks for that part again. A hidden tab lets go of its stream, because a browser
// holds only six connections to one server over HTTP/1.1.
const region = document.querySelector("[data-live]");
const pulse = document.querySelector("[data-pulse]");
let source = null;
let fetching = false;
let again = false;

function say(state, words) {
  pulse.dataset.state = state;
  pulse.textContent = words;
}

async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const answer = await fetch(region.dataset.live, { headers: { Accept: "text/html" } });
    if (answer.redirected || answer.status === 401) {
      location.reload(); // the login has expired
      return;
    }
    if (answer.ok) {
      const focused = document.activeElement?.getAttribute("href");
      region.innerHTML = await answer.text();
      if (focused) region.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
      say("live", "Live");
    }
  } catch {
    say("lost", "Connection lost; trying again");
  } finally {
    fetching = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

function open() {
  if (source) return;
  source = new EventSource("/live");
  source.addEventListener("changed", refresh);
  source.addEventListener("error", () => {
    say("lost", "Connection lost; trying again");
    if (source?.readyState === EventSource.CLOSED) {
      close();
      setTimeout(open, 5000);
    }
  });
}

function close() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
open();
