"""What runs right now: signs of life of the product's processes, and news of what was recorded."""

from app.live.changes import CHANNEL, Changes, announce
from app.live.heartbeats import Heartbeat, beat, heartbeats, leave
from app.live.models import ProcessHeartbeat

__all__ = [
    "CHANNEL",
    "Changes",
    "Heartbeat",
    "ProcessHeartbeat",
    "announce",
    "beat",
    "heartbeats",
    "leave",
]
