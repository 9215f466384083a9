"""Build hook of the wheel: the pages' libraries go in, so that an installed product needs no registry."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PagesBuildHook(BuildHookInterface[Any]):  # type: ignore[misc]  # hatchling is there while a wheel is built
    """Brings `app/web/static/vendor` before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Raises `BuildError`: a wheel without them would be half a product."""
        sys.path.insert(0, str(Path(self.root)))
        from app import browser_libraries  # noqa: PLC0415  (found by the line above)

        if not browser_libraries.is_current():
            browser_libraries.bring(lambda: [sys.executable, "-m", "pip"])
