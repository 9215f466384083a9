"""The navigation: whatever somebody may open, nothing they may not, and where they are."""

import re

import pytest
from sqlalchemy import Engine

from app.people import Actor, Role
from app.web.navigation import GROUPS, navigation
from tests.doors.conftest import Ask
from tests.doors.test_pages import logged_in

PEOPLE = [role for role in Role if role is not Role.line_equipment]


@pytest.mark.parametrize("role", PEOPLE)
def test_it_leads_to_every_page_that_the_role_may_open_and_to_no_other(
    ask: Ask, accounts: dict[str, str], engine: Engine, role: Role
) -> None:
    client = logged_in(ask, role.value)
    offered = set(re.findall(r"<nav.*?</nav>", client.get("/search").text, re.DOTALL))
    groups = {address for nav in offered for address in re.findall(r'href="([^"]+)"', nav)}
    links = groups | {
        address
        for group in groups
        for nav in re.findall(r"<nav.*?</nav>", client.get(group, follow_redirects=True).text, re.DOTALL)
        for address in re.findall(r'href="([^"]+)"', nav)
    }
    pages = {page.address for group in GROUPS for page in group.pages}
    assert {page for page in pages if client.get(page).status_code == 200} <= links
    assert {page: client.get(page).status_code for page in links & pages if client.get(page).status_code != 200} == {}


@pytest.mark.parametrize(
    ("path", "group", "page"),
    [
        ("/", "Line", "Line board"),
        ("/stations", "Line", "Stations"),
        ("/verdict", "Line", None),
        ("/units", "Trace", None),
        ("/packages/receive", "Materials", "Receive a package"),
        ("/packages", "Materials", "Packages"),
        ("/containments/C-000001", "Quality", "Containments"),
        ("/account", None, None),
    ],
)
def test_it_says_where_one_is(path: str, group: str | None, page: str | None) -> None:
    administrator = Actor("person:ann", "ann", Role.administrator)
    shown = navigation(administrator, path)
    assert [one.text for one in shown.groups if one.current] == [name for name in (group,) if name]
    assert [one.text for one in shown.pages if one.current] == [name for name in (page,) if name]
