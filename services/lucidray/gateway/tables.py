"""The tables of the gateway."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData()

# One row per object and bytes that were ever acknowledged. Times are microseconds since 1970, UTC.
instance = Table(
    "instance",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("gateway_id", String(64), nullable=False),
    Column("instance_key", String(64), nullable=False),
    Column("byte_digest", String(64), nullable=False),
    Column("study_key", String(64), nullable=False),
    Column("series_key", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("spool_name", String(64)),  # None: no longer in the spool, as it should be once published
    Column("object_key", String(200)),  # None: not in the clinical store
    Column("content_digest", String(160)),  # only where two versions had to be compared
    Column("conflicting", Boolean, nullable=False, default=False),
    Column("accepted_at", BigInteger, nullable=False),
    # None: the relay still has work with it. A row with both this and a spool_name was acknowledged and lost
    # from the spool: that is told to the ledger, and the row waits for its bytes to come again.
    Column("published_at", BigInteger),
    UniqueConstraint("instance_key", "byte_digest"),
    Index("instance_unpublished", "gateway_id", "published_at", "id"),
)

# Other messages that are written in the transaction that causes them, and published after it.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("gateway_id", String(64), nullable=False),
    Column("topic", String(200), nullable=False),
    Column("key", String(200), nullable=False),
    Column("value", LargeBinary, nullable=False),
)
