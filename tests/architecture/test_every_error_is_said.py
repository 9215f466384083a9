"""Every error that a page or a station's screen shows can be said in the reader's language: it is a `Sentence`.

That each `Sentence` has its translation is a test of the catalogues (`tests/doors/test_translations.py`).
"""

import ast
import importlib
from collections.abc import Iterator

import pytest

from app.errors import BirthmarkError
from tests.architecture.sources import Source, sources

# What only the command line says is English: backups, bench, certificates, demo, embedded, running.
ROOMS = (
    "api", "floor", "http", "inbox", "interlock", "labels", "lines", "materials", "orders", "people", "products",
    "quality", "scanning", "setup", "trace", "units", "web",
)  # fmt: skip
# Sentences that were made before they became an error; mypy knows that they are.
MADE_BEFORE = {
    "app/floor/doing.py": {"since"},
    "app/floor/units.py": {"read.sentence"},
    "app/http/designs.py": {"refused.sentence"},
    "app/http/proofs.py": {"damaged.sentence"},
    "app/scanning/formats.py": {"problem"},
}


def kinds(kind: type[BirthmarkError]) -> Iterator[str]:
    """The errors that take any text; those that make their own sentence say by their types what they take."""
    if kind.__init__ is BirthmarkError.__init__:
        yield kind.__name__
    for below in kind.__subclasses__():
        yield from kinds(below)


def sentences(source: Source) -> Iterator[ast.expr]:
    """What the errors that a file makes say, wherever it raises them."""
    importlib.import_module(source.module)
    names = set(kinds(BirthmarkError))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node.args[0]


def is_one(said: ast.expr, source: Source) -> bool:
    if isinstance(said, ast.BoolOp):
        return all(is_one(part, source) for part in said.values)
    if isinstance(said, ast.Call):
        return ast.unparse(said.func) in {"Sentence", "both", *makers(source)}
    return ast.unparse(said) in MADE_BEFORE.get(source.path.as_posix(), ())


def makers(source: Source) -> Iterator[str]:
    """The functions of a file that make a sentence, by their types."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef) and node.returns and ast.unparse(node.returns) == "Sentence":
            yield node.name


@pytest.mark.parametrize("room", ROOMS)
def test_what_an_error_says_is_a_sentence(room: str) -> None:
    files = [one for one in sources("app") if one.room == room and one.path.name != "wheel_hook.py"]  # made for builds
    found = [(source, said) for source in files for said in sentences(source)]
    assert found
    assert not [f"{source.path}:{said.lineno}" for source, said in found if not is_one(said, source)]
