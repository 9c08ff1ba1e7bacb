"""The tables of dispatch."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# One row per content of an object, numbered as they came. `replaced`: a person released the study, and of this
# object a newer content counts. `header` is JSON of what selection needs (attributes.py).
instance = Table(
    "instance",
    metadata,
    Column("instance_key", String(64), primary_key=True),
    Column("byte_digest", String(64), primary_key=True),
    Column("study_key", String(64), nullable=False, index=True),
    Column("object_key", String(400), nullable=False),
    Column("size", Integer, nullable=False),
    Column("conflicting", Boolean, nullable=False),
    Column("header", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("replaced", Boolean, nullable=False, default=False),
)

# `revision` grows with every change, so that closing is a compare-and-set.
study = Table(
    "study",
    metadata,
    Column("study_key", String(64), primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("version", Integer, nullable=False, default=0),
    Column("open", Boolean, nullable=False),
    Column("last_accepted", Float, nullable=False),  # seconds since the epoch, of the gateway's clock
    Column("content", String(64), nullable=False, default=""),  # digest of what the last closing saw
    Column("waits_for", Text, nullable=False, default=""),  # why it is not closed although it is quiet
)

case = Table(
    "case_",
    metadata,
    Column("case_id", String(64), primary_key=True),
    Column("study_key", String(64), nullable=False, index=True),
    Column("study_version", Integer, nullable=False),
    Column("workflow_digest", String(64), nullable=False),
    Column("state", Integer, nullable=False),
    Column("message", LargeBinary, nullable=False),  # the Case as dispatch last saw it
    UniqueConstraint("study_key", "study_version", "workflow_digest"),
)

timer = Table(
    "timer",
    metadata,
    Column("timer_id", String(64), primary_key=True),
    Column("due_at", Float, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("fired", Boolean, nullable=False, default=False),
    Index("timer_due", "fired", "due_at"),
)

watermark = Table(
    "watermark",
    metadata,
    Column("gateway_id", String(128), primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("accepted_before", Float, nullable=False),
    Column("heard_at", Float, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("topic", String(200), nullable=False),
    Column("key", String(200), nullable=False),
    Column("value", LargeBinary, nullable=False),
)

# Messages whose effect is already in these tables.
seen = Table("seen", metadata, Column("event_id", String(64), primary_key=True))
