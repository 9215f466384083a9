"""The README keeps its promises: every setting and every command is in it."""

from pathlib import Path

import pytest
from typer.main import get_command

from app.cli import cli
from app.settings import Settings
from tests.architecture.sources import ROOT

README = ROOT / "README.md"


@pytest.fixture
def readme() -> str:
    return README.read_text()


def test_it_lists_every_setting(readme: str) -> None:
    settings = {f"BIRTHMARK_{name.upper()}" for name in Settings.model_fields}
    assert not {
        name for name in settings if name not in readme and f"`{name.removeprefix('BIRTHMARK_')}`" not in readme
    }


def test_it_lists_every_command(readme: str) -> None:
    commands = get_command(cli).commands  # type: ignore[attr-defined]
    assert not {name for name, command in commands.items() if not command.hidden and f"app {name}" not in readme}


def test_it_shows_no_setting_that_does_not_exist(readme: str) -> None:
    known = {f"BIRTHMARK_{name.upper()}" for name in Settings.model_fields} | {
        "BIRTHMARK_DB_PASSWORD", "BIRTHMARK_BROKER_PASSWORD",  # compose.yaml's own
    }  # fmt: skip
    named = {word for word in readme.replace("`", " ").replace("=", " ").split() if word.startswith("BIRTHMARK_")}
    assert not {word.rstrip(".,;:)") for word in named} - known


def test_contract_commands_exist() -> None:
    promised = {
        "demo", "test", "serve", "bench", "doctor", "token", "migrate", "intake", "backup", "restore", "simulate",
    }  # fmt: skip
    assert promised <= set(get_command(cli).commands)  # type: ignore[attr-defined]


def test_the_readme_is_there() -> None:
    assert Path(README).exists()
