"""Every metric of the platform, named and explained once. No label may carry PHI or a case id."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)

# gateway
OBJECTS_RECEIVED = Counter("lucidray_objects_received_total", "C-STORE requests by their result", ["result"])
OBJECTS_UNCHANGED = Counter(
    "lucidray_objects_unchanged_total", "Accepted objects that were dropped: their content was held in another encoding"
)
BYTES_RECEIVED = Counter("lucidray_bytes_received_total", "Bytes of accepted objects")
ASSOCIATIONS = Gauge("lucidray_associations", "Open DICOM associations")
ASSOCIATIONS_REJECTED = Counter("lucidray_associations_rejected_total", "Associations not accepted", ["reason"])
STORE_SECONDS = Histogram("lucidray_store_seconds", "C-STORE: last byte to response", buckets=SECONDS)
OUTBOX_PENDING = Gauge("lucidray_outbox_pending", "Rows not yet published", ["service"])

# dispatch
STUDIES_OPEN = Gauge("lucidray_studies_open", "Studies that wait for their quiet period")
CASES = Counter("lucidray_cases_total", "Cases by the state they reached", ["state", "workflow"])

# worker
STEP_SECONDS = Histogram("lucidray_step_seconds", "Compute of one step", ["step"], buckets=SECONDS)
STEP_OUTCOMES = Counter("lucidray_step_outcomes_total", "Steps by outcome", ["step", "outcome"])
STEP_BUSY = Gauge("lucidray_step_busy", "1 while the worker computes", ["step"])
CONSUMER_STOPPED = Gauge("lucidray_consumer_stopped", "1 when too many cases in a row were parked", ["step"])

# deliver
OBJECTS_DELIVERED = Counter("lucidray_objects_delivered_total", "C-STORE to destinations by result", ["result"])

# console
LEDGER_EVENTS = Counter("lucidray_ledger_events_total", "Lines of the ledger that the console read", ["result"])
COMMANDS = Counter("lucidray_commands_total", "Commands that people gave in the console", ["kind"])

# Counted by steps, in child processes that nobody scrapes: their workers take the counts over.
_OF_STEPS = {"objects-delivered": OBJECTS_DELIVERED}

Counts = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


def step_counts() -> Counts:
    """What the counters of steps stand at in this process, by counter and labels."""
    return {
        (name, tuple(sorted(sample.labels.items()))): sample.value
        for name, counter in _OF_STEPS.items()
        for family in counter.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def add_step_counts(before: Counts, after: Counts) -> None:
    """Count in this process what was counted in another between two moments."""
    for key, value in after.items():
        name, labels = key
        _OF_STEPS[name].labels(**dict(labels)).inc(value - before.get(key, 0.0))
