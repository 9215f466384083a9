"""What the web process of a demo shows besides: the door of `app.web.demo`, with what the demo keeps."""

from pathlib import Path

from app.certificates import Certificate
from app.demo.access import read_access
from app.demo.board import SPARES
from app.demo.network import network_address
from app.labels.demo_sheet import DemoBadge
from app.web.demo import Demo


def demo_of(path: Path, host: str, port: int, certificate: Certificate | None) -> Demo:
    """What the demo that keeps its access in ``path`` tells its pages; called when somebody asks for them."""
    access = read_access(path)
    return Demo(
        key=access.key,
        logins=access.logins,
        badges=[
            DemoBadge(name, name.replace("_", " "), payload, pin) for name, (payload, pin) in access.badges.items()
        ],
        spares={one.identifier: one.note for one in SPARES},
        network=network_address(host, port, secure=certificate is not None),
    )
