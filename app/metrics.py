"""What Prometheus is told of this process: requests by route, and how long they took."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "birthmark_http_requests",
    "HTTP requests answered, by route (never by address: serials are no labels)",
    ["method", "route", "status"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "birthmark_http_request_seconds",
    "Time to the first byte of the answer",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
QUARANTINE_OPEN = Gauge("birthmark_quarantine_open", "Messages in quarantine that nobody resolved", registry=REGISTRY)
EVENTS_WAITING = Gauge(
    "birthmark_events_waiting",
    "Events that name only a transaction whose WorkStarted has not come; they tell of no unit until it does",
    registry=REGISTRY,
)
HEARTBEAT_AGE = Gauge(
    "birthmark_process_heartbeat_age_seconds",
    "Time since a process last proved that it works",
    ["process"],
    registry=REGISTRY,
)
PROCESS_DETAIL = Gauge(
    "birthmark_process_detail",
    "Numbers a process gave with its last heartbeat",
    ["process", "name"],
    registry=REGISTRY,
)
DATABASE_UP = Gauge("birthmark_database_up", "Whether the database answers", registry=REGISTRY)
WATCHERS = Gauge("birthmark_live_watchers", "Browsers that watch the line right now", registry=REGISTRY)
