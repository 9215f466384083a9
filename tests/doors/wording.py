"""Every English text of the pages: those in templates, and the words that pages look up by value."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import app
from app.errors import BirthmarkError
from app.interlock.rights import RIGHTS
from app.lines.states import StationState
from app.lines.tool_life import KINDS
from app.people import Permission, Role, spoken
from app.trace.question import WORDS as TERMS
from app.web import navigation
from app.web.pages import environment, words
from app.web.refusals import TEXTS as REFUSALS
from app.web.station import ACTIONS, DEFECTS
from app.web.wording import DEEDS, DOUBTS, FACTS, FEW, NO_DESIGNATOR, PICTURES, PLACES, RESOLUTIONS, SEARCHED, TIMES

# Outcomes, evidence, kinds of match, relations and kinds of loading, as their queries tell them.
WORDS = (
    "passed", "failed", "error", "aborted", "completed", "exact", "bounded", "inferred",
    "split off", "spliced on", "split from", "spliced to", "loaded", "unloaded", "empty", "spliced",
    "place", "order", "day", "evidence", "no order", "day not known", "containment", "shipment", "tool", "station",
    "on hold", "not proven", "provisional", "in work", "good", "scrapped", "top", "bottom", "below", "above",
    "inspection", "test", "released", "use as is", "rework", "repair", "scrap", "return to supplier",
    "streamed", "begun", "finding units", "locking units", "writing holds",
    "unit", "reel", "lot", "part", "work order", "product", "recipe", "method", "by", "lane",
)  # fmt: skip
MESSAGES = (
    "UnitsArrived", "UnitsDeparted", "WorkStarted", "WorkCompleted", "WorkStageStarted", "WorkStageCompleted",
    "UnitsInitialized", "UnitsPersonalized", "UnitsProcessed", "UnitsInspected", "UnitsTested", "UnitsRepaired",
    "UnitsDisqualified", "ToolsUsed", "MaterialsApplied", "MaterialsInstalled", "MaterialsUninstalled",
    "IdentifiersRead", "IdentifiersNotRead",
)  # fmt: skip
# Operations as routings and simulated machines name them; another name is shown as it was given.
OPERATIONS = (
    "Laser marking", "Paste printing", "Solder paste inspection", "Placement", "Placement-2", "Reflow",
    "Optical inspection", "Xray inspection", "Functional test", "Hand assembly", "Rework",
    "Visual inspection", "Repair", "Final test", "Final inspection", "In circuit test", "Selective soldering",
    "Wave soldering", "Coating", "Depaneling", "Packing", "Programming",
)  # fmt: skip
# Reasons of the gate, besides those that may be overridden.
REASONS = (
    "station_locked", "already_started", "failed", "scrapped", "on_hold", "provisional", "retired", "tool_retired",
    "package_held", "two_machines", "location_blocked", "built_in", "another_customer", "not_arrived", "not_retested",
    "sub_assembly_failed", "sub_assembly_on_hold", "sub_assembly_provisional", "sub_assembly_scrapped",
    "unknown_position", "unknown_unit", "wrong_product_revision",
)  # fmt: skip
BESIDE_TEMPLATES = (
    "never", "%(time)s ago", "the station itself", "or", "ahead", "behind", ".", "%",
    "download the bytes for the rest", "malformed", "contradiction", "unregistered", "refused", "fault",
)  # fmt: skip
TOOLS = ("tool", *KINDS)
_SAYS_SOMETHING = re.compile(r"[^\W\d_]")
_PLACEHOLDER = re.compile(r"%\(\w+\)s")
_APP = Path(app.__file__).parent


def texts() -> Iterator[tuple[str, str]]:
    """(where, English text) of everything that can be translated; a plural is named by its form for one."""
    pages = environment("en")
    for template in pages.list_templates(extensions=["html"]):
        assert pages.loader is not None
        source, _, _ = pages.loader.get_source(pages, template)
        for line, _, message in pages.extract_translations(source):  # type: ignore[attr-defined]
            text = message[0] if isinstance(message, tuple) else message
            if text:  # a word looked up by value is no text yet
                yield f"{template}:{line}", text
    yield from (("navigation", text) for text in navigation.texts())
    yield from (("role", spoken(role)) for role in Role)
    yield from (("state", state.value) for state in StationState)
    yield from (
        ("word", word)
        for word in (
            *WORDS,
            *OPERATIONS,
            *PLACES,
            *FACTS,
            *REFUSALS,
            *RESOLUTIONS,
            *DEEDS,
            *DOUBTS,
            FEW,
            NO_DESIGNATOR,
            *PICTURES,
            *SEARCHED,
            *TERMS.values(),
            *BESIDE_TEMPLATES,
        )
    )
    yield from (("station", code.replace("_", " ")) for code in (*DEFECTS, *ACTIONS))
    yield from (("reason", code.replace("_", " ")) for code in (*REASONS, *RIGHTS))
    yield from (("permission", permission.value) for permission in Permission)
    yield from (("message", words(name)) for name in MESSAGES)
    yield from (("tool", name.capitalize()) for name in TOOLS)
    yield from (("time", form) for form in TIMES.values())
    yield from sentences()
    yield from (("error", kind.title) for kind in _kinds(BirthmarkError))


def sentences() -> Iterator[tuple[str, str]]:
    """(where, template) of every `Sentence` that the source makes; its types see to it that a reason is of those.

    Raises `ValueError` for a template that is no literal: nobody could translate what is put together on the way.
    """
    for file in sorted(_APP.rglob("*.py")):
        where = file.relative_to(_APP.parent).as_posix()
        if where == "app/sentences.py":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Sentence":
                template = node.args[0] if len(node.args) == 1 else None
                if not (isinstance(template, ast.Constant) and isinstance(template.value, str)):
                    raise ValueError(f"{where}:{node.lineno}: a template is one literal")
                if _SAYS_SOMETHING.search(_PLACEHOLDER.sub("", template.value)):
                    yield f"{where}:{node.lineno}", template.value


def _kinds(kind: type[BirthmarkError]) -> Iterator[type[BirthmarkError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
