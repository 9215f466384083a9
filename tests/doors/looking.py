"""What can be seen to be wrong with a page in a browser, asked of the page itself."""

import re
from typing import Any

from playwright.sync_api import Page

LEAST_TEXT = 14.0
"""CSS pixels; 18 where a page is read standing, at arm's length (`STANDING`)."""
STANDING = 18.0
# A frame may scroll for data nobody foresaw; where it has to for what the pages show here, words are cut off.
# A drawing's own labels (SVG) are as large as what they label, and can be enlarged.
_LOOK = """(least) => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length;
  const says = (e) => (e.id ? "#" + e.id + " " : "") + e.outerHTML.slice(0, 90);
  const hidden = (e) => e.closest(".hidden, .skip, svg, canvas, dialog:not([open])");
  const scrolls = (e) => { for (let up = e.parentElement; up; up = up.parentElement)
    if (/(auto|scroll)/.test(getComputedStyle(up).overflowX)) return true; return false; };
  const every = [...document.querySelectorAll("body *")].filter((e) => shown(e) && !hidden(e));
  const told = every.filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  const field = (e) => /^(INPUT|SELECT|TEXTAREA|METER|PROGRESS)$/.test(e.tagName);
  const clips = (e) => /(hidden|clip)/.test(getComputedStyle(e).overflow) && !field(e) && e.clientWidth > 1;
  const beyond = (e) => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e);
  const target = "button, input:not([type=hidden]), select, textarea, summary, .button, .nav a, .tabs a";
  return {
    "too wide": document.documentElement.scrollWidth > innerWidth || every.some(beyond)
      ? every.filter(beyond).slice(0, 4).map(says) : [],
    "cut off": every.filter((e) => clips(e)
      && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).map(says),
    "goes on beyond its frame": every.filter((e) => /(auto|scroll)/.test(getComputedStyle(e).overflowX)
      && !field(e) && !e.querySelector("svg.board") && e.scrollWidth > e.clientWidth + 1).map(says),
    "text too small": told.filter((e) => parseFloat(getComputedStyle(e).fontSize) < least).map(says),
    "target too small": every.filter((e) => e.matches(target) && e.getBoundingClientRect().height < 43.5).map(says),
  };
}"""


def faults(page: Page, least_text: float = LEAST_TEXT) -> dict[str, Any]:
    """What is wrong with what is seen, by kind; empty where nothing is."""
    return {kind: found for kind, found in page.evaluate(_LOOK, least_text).items() if found}


def file_name(address: str) -> str:
    """A page's address as the name of its picture."""
    return re.sub(r"[^A-Za-z0-9]+", "_", address).strip("_") or "line"
