"""Tables of the projection. All of it can be made again from the ledger's topic."""

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

# Every line of the ledger once: a case is a function of the set of its lines.
ledger = Table(
    "ledger",
    metadata,
    Column("event_id", String, primary_key=True),
    Column("case_id", String, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),  # LedgerEvent
)

# What the lines of a case say together. The columns are for searching, `view` is what is shown.
case = Table(
    "case_view",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("kind", String, nullable=False),  # case, study, refused
    Column("study_key", String, nullable=False, index=True),
    Column("study_version", Integer, nullable=False),
    Column("patient_key", String, nullable=False, index=True),
    Column("state", String, nullable=False, index=True),
    Column("updated_at", Float, nullable=False, index=True),  # seconds since the epoch
    Column("revision", Integer, nullable=False, index=True),
    Column("view", Text, nullable=False),  # CaseView as JSON
)

# One row: raised by every change. Its lock puts the changes of several replicas in one order.
revision = Table("revision", metadata, Column("number", Integer, nullable=False))
