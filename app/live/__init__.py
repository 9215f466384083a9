"""What runs right now: signs of life of the product's processes, and news of what was recorded."""

from app.live.changes import CHANNEL, Changes, announce
from app.live.heartbeats import Heartbeat, beat, heartbeats, leave
from app.live.models import ProcessHeartbeat
from app.live.progress import Reporter, Step, going_on, reporting

__all__ = [
    "CHANNEL",
    "Changes",
    "Heartbeat",
    "ProcessHeartbeat",
    "Reporter",
    "Step",
    "announce",
    "beat",
    "going_on",
    "heartbeats",
    "leave",
    "reporting",
]
