"""When did this shift begin? Pure."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta


def shift_begun(begins: Sequence[time], now: datetime) -> datetime:
    """The last of these times of day that is not after `now`, in the time zone of `now`; of none, its midnight."""
    times = sorted(begins) or [time()]
    today = [now.replace(hour=one.hour, minute=one.minute, second=0, microsecond=0) for one in times]
    begun = [one for one in today if one <= now]
    if begun:
        return begun[-1]
    return today[-1] - timedelta(days=1)
