"""What every file of the project keeps to."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, sources

LONGEST = 400
AT_THE_TOP = {"app", "migrations", "stations", "tests"}
TOOLS_DEMAND = {
    "alembic.ini", "pyproject.toml", "requirements.lock", "requirements-test.lock", "Dockerfile", "compose.yaml",
    "README.md", "CHANGELOG.md", "LICENSE",
}  # fmt: skip
# Another host in what a browser loads breaks the product where there is no internet.
ELSEWHERE = re.compile(r"""(?i)(?:src|href|action|url)\s*[=(]\s*["']?\s*(?:https?:)?//(?!127\.0\.0\.1|localhost)""")


def tracked() -> Iterator[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    yield from (ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).exists())


def test_a_file_has_one_subject() -> None:
    long = {
        str(source.path): lines
        for source in sources("app", "stations", "migrations", "tests")
        if (lines := len((ROOT / source.path).read_text().splitlines())) > LONGEST
    }
    long = {path: lines for path, lines in long.items() if not path.startswith("migrations/versions/")}
    assert not long, f"past {LONGEST} lines a file usually holds two subjects: {long}"


def test_pages_load_nothing_from_elsewhere() -> None:
    pages = [p for suffix in ("html", "css", "js") for p in (ROOT / "app").rglob(f"*.{suffix}")]
    pages = [path for path in pages if not {"node_modules", "vendor"} & set(path.parts)]
    wrong = [str(path.relative_to(ROOT)) for path in pages if ELSEWHERE.search(path.read_text(errors="replace"))]
    assert not wrong


def test_the_top_level_is_fixed() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in tracked()}
    surprising = {top for top in tops - AT_THE_TOP - TOOLS_DEMAND if not top.startswith(".")}
    assert not surprising


def test_no_secret_and_no_large_file_is_in_the_repository() -> None:
    for path in tracked():
        assert path.stat().st_size < 1_000_000, path
        assert path.name not in {".env", "demo.json"}, path


def pins(lock: str) -> set[str]:
    lines = (ROOT / lock).read_text().splitlines()
    return {line.removesuffix("\\").strip() for line in lines if re.match(r"[a-z0-9]", line)}


def test_the_test_lock_holds_the_other_one() -> None:
    assert pins("requirements.lock") <= pins("requirements-test.lock")


def test_locks_name_no_registry_and_every_pin_has_a_hash() -> None:
    for lock in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")
