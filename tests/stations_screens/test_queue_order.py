"""Deeds leave in the order in which they were done, also where a browser's disk is slow."""

import json

from playwright.sync_api import Page, Route

from tests.stations_screens import shop
from tests.stations_screens.conftest import Enter

_TWO_DEEDS = """
async () => {
  const { Queue } = await import("/static/station/queue.js");
  const queue = new Queue({ address: "/kept-in-order", token: "", onChange() {}, onAnswer() {}, onLocked() {} });
  await queue.open;
  const keep = queue.keep.bind(queue);
  queue.keep = async (deed) => {
    const place = await keep(deed);
    if (deed.id === "first") await new Promise((go) => setTimeout(go, 600)); // a slow disk
    return place;
  };
  const ask = window.fetch;
  let first;
  window.fetch = (...about) => {
    if (about[0] === "/healthz") first ??= queue.put({ id: "first" });
    return ask(...about);
  };
  await queue.drain(); // nothing waited, so the server was asked whether it is there; meanwhile something was scanned
  await Promise.all([first, queue.put({ id: "second" })]);
  await queue.drain();
  clearTimeout(queue.timer);
}
"""


def test_a_deed_that_is_still_being_kept_goes_before_the_next(enter: Enter) -> None:
    page: Page = enter("work", shop.BENCH)
    page.evaluate("() => navigator.serviceWorker?.ready")
    sent: list[str] = []

    def answered(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "")["id"])
        route.fulfill(json={"outcome": "go"})

    page.route("**/kept-in-order", answered)
    page.evaluate(_TWO_DEEDS)
    assert sent == ["first", "second"]
