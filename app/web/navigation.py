"""The pages in everybody's navigation: groups of pages, each page with who may open it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from app.people import Actor, Permission


@dataclass(frozen=True, slots=True)
class Page:
    """A page by its address and its name in English; `permission` None: whoever is logged in may open it."""

    address: str
    text: str
    permission: Permission | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Pages of one subject; `leading_to`: addresses of more of its pages, which are found by way of these."""

    text: str
    pages: tuple[Page, ...]
    leading_to: tuple[str, ...] = ()


GROUPS = (
    Group(
        "Line",
        (
            Page("/", "Line board", Permission.read_line),
            Page("/station", "At a station", Permission.work_at_stations),
            Page("/stations", "Stations", Permission.read_line),
            Page("/tools", "Tools", Permission.read_line),
            Page("/gate", "Gate", Permission.override_gate),
        ),
        ("/verdict",),
    ),
    Group(
        "Trace",
        (
            Page("/search", "Search", Permission.read_units),
            Page("/work-orders", "Work orders"),
            Page("/shipments", "Shipments"),
            Page("/photo", "Code from a photo"),
        ),
        ("/units", "/where-used", "/graph", "/shipment"),
    ),
    Group(
        "Quality",
        (
            Page("/yield", "Yield and defects", Permission.read_line),
            Page("/containments", "Containments", Permission.read_units),
            Page("/quarantine", "Quarantine", Permission.handle_quarantine),
        ),
        ("/contain",),
    ),
    Group(
        "Materials",
        (
            Page("/packages", "Packages", Permission.read_line),
            Page("/packages/receive", "Receive a package", Permission.receive_packages),
            Page("/handling", "Part handling", Permission.read_line),
            Page("/labels", "Labels", Permission.read_line),
        ),
        ("/package",),
    ),
    Group(
        "Planning",
        (
            Page("/planning", "Set up a factory", Permission.plan_work),
            Page("/lines", "Lines", Permission.read_line),
            Page("/products", "Products", Permission.read_line),
            Page("/setups", "Setup lists", Permission.read_line),
        ),
        ("/product", "/setup"),
    ),
    Group("People", (Page("/people", "People and tokens", Permission.manage_people),)),
)


class Link(NamedTuple):
    """A link of the navigation, and whether the page that is open is there: `page` itself, or within what it leads to.

    `current` is the value of `aria-current`, empty where neither is so.
    """

    address: str
    text: str
    current: str


class Navigation(NamedTuple):
    """The groups in which somebody may open anything, and the pages of the group that is open, if one is."""

    groups: list[Link]
    pages: list[Link]


def navigation(actor: Actor | None, path: str) -> Navigation:
    """What this actor may open, seen from the page at ``path``; nothing for nobody."""
    groups: list[Link] = []
    pages: list[Link] = []
    for group in GROUPS if actor else ():
        open_ = [page for page in group.pages if page.permission is None or (actor and actor.may(page.permission))]
        if not open_:
            continue
        here = max((page.address for page in open_ if _leads_to(page.address, path)), key=len, default=None)
        inside = here is not None or any(_leads_to(address, path) for address in group.leading_to)
        groups.append(Link(open_[0].address, group.text, "true" if inside else ""))
        if inside:
            pages = [Link(page.address, page.text, "page" if page.address == here else "") for page in open_]
    return Navigation(groups, pages)


def texts() -> Iterator[str]:
    """Every name in it, in English."""
    for group in GROUPS:
        yield group.text
        yield from (page.text for page in group.pages)


def _leads_to(address: str, path: str) -> bool:
    return path == address or (address != "/" and path.startswith(f"{address}/"))
