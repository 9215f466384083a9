"""The pages in everybody's navigation, in order: address, English text, who may (None: everybody)."""

from app.people import Permission

NAVIGATION: tuple[tuple[str, str, Permission | None], ...] = (
    ("/", "Line", Permission.read_line),
    ("/station", "At a station", Permission.work_at_stations),
    ("/stations", "Stations", Permission.read_line),
    ("/packages", "Packages", Permission.read_line),
    ("/work-orders", "Work orders", None),
    ("/containments", "Containments", Permission.read_units),
    ("/gate", "Gate", Permission.override_gate),
    ("/labels", "Labels", Permission.read_line),
    ("/quarantine", "Quarantine", Permission.handle_quarantine),
    ("/people", "People and tokens", Permission.manage_people),
    ("/docs", "API", None),
)
