"""The tables of the vault. Opaque keys, times and sealed bodies: nothing in them names anybody."""

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData()


def _sealed() -> list[Column[object]]:
    return [
        Column("key_id", String(16), nullable=False, index=True),
        Column("row_key", LargeBinary, nullable=False),
        Column("body", LargeBinary, nullable=False),
    ]


# The way back of one case.
RECORDS = Table(
    "vault_record",
    METADATA,
    Column("case_id", String(64), primary_key=True),
    Column("study_key", String(64), nullable=False, index=True),
    Column("patient_key", String(64), nullable=False, index=True),
    Column("written_at", DateTime(timezone=True), nullable=False),
    *_sealed(),
)
# Under which version of the pseudonym key a patient was first seen: for good.
PATIENTS = Table(
    "vault_patient",
    METADATA,
    Column("patient_key", String(64), primary_key=True),
    Column("written_at", DateTime(timezone=True), nullable=False),
    *_sealed(),
)
# Who does not want which workflow; "*" is every workflow.
OPT_OUTS = Table(
    "vault_opt_out",
    METADATA,
    Column("patient_key", String(64), primary_key=True),
    Column("workflow", String(200), primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
)
# Receipts of what was erased.
ERASURES = Table(
    "vault_erasure",
    METADATA,
    Column("receipt_id", String(64), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("receipt", Text, nullable=False),
)
# Every look-up and change. Rows are only ever added.
ACCESS = Table(
    "vault_access",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    Column("subject", String(200), nullable=False, index=True),  # case, patient key or receipt
    Column("outcome", String(64), nullable=False),
)
