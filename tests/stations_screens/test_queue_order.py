"""Deeds leave in the order in which they were done, also where a browser's disk is slow."""

import json

import pytest
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


_FLICKERING = """
async () => {
  const { Queue } = await import("/static/station/queue.js");
  const about = { address: "/kept-in-order", token: "", onAnswer() {}, onLocked() {} };
  const queue = new Queue({ ...about, onChange() {} });
  await queue.open;
  queue.online = true;
  const add = IDBObjectStore.prototype.add;
  IDBObjectStore.prototype.add = function (deed) {
    const request = add.call(this, deed);
    if (deed.id.startsWith("unkept")) request.addEventListener("success", () => this.transaction.abort());
    return request;
  };
  await Promise.all(["kept 1", "unkept 2", "kept 3", "unkept 4", "unkept 5", "kept 6"].map((id) => queue.put({ id })));
  await queue.drain();
  await queue.drain();
  clearTimeout(queue.timer);
}
"""
_TWO_TABS = """
async () => {
  const { Queue } = await import("/static/station/queue.js");
  let waiting;
  const about = { address: "/kept-in-order", token: "", onAnswer() {}, onLocked() {} };
  const queue = new Queue({ ...about, onChange: (state) => (waiting = state.waiting) });
  await queue.open;
  const remove = IDBObjectStore.prototype.delete;
  IDBObjectStore.prototype.delete = function () {
    throw new DOMException("the disk is full", "QuotaExceededError");
  };
  await queue.put({ id: "answered, and cannot be taken out" });
  await queue.drain();
  IDBObjectStore.prototype.delete = remove;
  const other = new Queue({ ...about, onChange() {} });
  await other.drain(); // asks once more, and takes it out
  queue.away();
  await queue.put({ id: "waits" });
  clearTimeout(queue.timer);
  clearTimeout(other.timer);
  await queue.tell();
  return waiting;
}
"""


@pytest.fixture
def sent(enter: Enter) -> tuple[Page, list[str]]:
    """A station's page, and the ids of the deeds that its queues sent."""
    page: Page = enter("work", shop.BENCH)
    page.evaluate("() => navigator.serviceWorker?.ready")
    ids: list[str] = []

    def answered(route: Route) -> None:
        ids.append(json.loads(route.request.post_data or "")["id"])
        route.fulfill(json={"outcome": "go"})

    page.route("**/kept-in-order", answered)
    return page, ids


def test_a_deed_that_is_still_being_kept_goes_before_the_next(sent: tuple[Page, list[str]]) -> None:
    page, ids = sent
    page.evaluate(_TWO_DEEDS)
    assert ids == ["first", "second"]


def test_kept_or_not_deeds_go_in_the_order_in_which_they_were_done(sent: tuple[Page, list[str]]) -> None:
    page, ids = sent
    page.evaluate(_FLICKERING)
    assert ids == ["kept 1", "unkept 2", "kept 3", "unkept 4", "unkept 5", "kept 6"]


def test_what_another_tab_took_out_is_not_subtracted_from_what_waits(sent: tuple[Page, list[str]]) -> None:
    page, _ = sent
    assert page.evaluate(_TWO_TABS) == 1
