"""What ``test`` runs: the linter, the type checker, then pytest, whose closing lines come last."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run_tests(arguments: Sequence[str]) -> int:
    """Run the checks and the tests; with ``arguments`` only pytest with them.

    Returns 0 where all passed, otherwise the first failure's exit code.
    """
    module = [sys.executable, "-m"]
    checks = [
        [*module, "ruff", "check", "."],
        [*module, "ruff", "format", "--check", "."],
        [*module, "mypy"],
    ]
    # Two workers keep two cores busy; more only help where there are more.
    everything = [*module, "pytest", "-n", str(max(2, min(8, os.cpu_count() or 2))), "--dist", "worksteal"]
    commands = [[*module, "pytest", *arguments]] if arguments else [*checks, everything]
    codes = [subprocess.run(command, cwd=ROOT, check=False).returncode for command in commands]
    return next(filter(None, codes), 0)
