// While a long question has no first page yet: says since when it is being worked out, and lets it be given up. What the
// browser stops asking for it never shows; the page the question was asked from stands as it was.
const says = document.querySelector("[data-long-question]");
const LONG = "a[href^='/where-used?']:not([download]), a[href^='/contain?'], form[action='/search']";
const PATIENCE = 1_000;
let ticking = 0;

function end() {
  clearInterval(ticking);
  says.hidden = true;
}

function begin() {
  end();
  const asked = Date.now();
  ticking = setInterval(() => {
    const waited = Date.now() - asked;
    if (waited < PATIENCE) return;
    says.querySelector("[data-waited]").textContent = Math.floor(waited / 1000);
    says.hidden = false;
  }, 250);
}

// Last of all listeners, so that a deed which another one prevented is none.
addEventListener("click", (event) => {
  const elsewhere = event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey;
  if (!elsewhere && event.target.closest("a")?.matches(LONG)) begin();
});
addEventListener("submit", (event) => {
  if (!event.defaultPrevented && event.target.matches(LONG)) begin();
});
addEventListener("pageshow", end); // also of a page that comes back out of the browser's memory
says?.querySelector("button").addEventListener("click", () => {
  stop();
  end();
});
