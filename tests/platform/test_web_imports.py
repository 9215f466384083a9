"""What no start of the web process waits for."""

import subprocess
import sys

from tests.architecture.sources import ROOT

# Each takes tens of milliseconds, and is needed by what few people ask for: paper, spreadsheets, certificates.
LATER = ("reportlab", "xlsxwriter", "PIL", "cryptography", "pyarrow", "scipy", "pandas", "alembic.autogenerate")


def test_the_web_process_does_not_import_what_few_requests_need() -> None:
    asked = f"import sys, app.running, app.main; print([name for name in {LATER} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
