"""Erasing a patient in every place that holds something of them: the vault, the stores, gateway and dispatch."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, update
from sqlalchemy.exc import SQLAlchemyError

from lucidray.core.database import open_database
from lucidray.core.errors import Permanent
from lucidray.core.settings import CoreSettings
from lucidray.deidentify.erasure import Receipt, Scope, erase_artifacts, erase_rows, scope_of
from lucidray.deidentify.vault import Vault
from lucidray.dispatch import tables as dispatch
from lucidray.dispatch.settings import DispatchSettings
from lucidray.gateway import tables as gateway
from lucidray.gateway.settings import GatewaySettings
from lucidray.store import open_store
from lucidray.store.cases import CaseStore
from lucidray.v1.case_pb2 import Zone


def scope(vault: Vault, patient_key: str) -> Scope:
    """What there is of a patient.

    Raises
    ------
    Permanent
        The vault never heard of them.
    """
    found = scope_of(vault, patient_key)
    if not found.cases:
        raise Permanent(
            f"patient {patient_key}",
            "the vault holds nothing of them",
            "check PatientID and give --issuer as the objects name it; see `lucidray vault audit`",
        )
    return found


def erase(vault: Vault, patient_key: str, found: Scope) -> Receipt:
    """Erase it; the vault's rows last, so that an interrupted erasure can be run again."""
    erased = erase_artifacts(
        found,
        {
            "clinical objects": CaseStore(open_store(Zone.ZONE_CLINICAL)),
            "analysis objects": CaseStore(open_store(Zone.ZONE_ANALYSIS)),
        },
    )
    core, not_reached = CoreSettings.load(), list[str]()
    places = {
        "gateway": (GatewaySettings.load().database_url, gateway.metadata, _forget_arrivals),
        "dispatch": (DispatchSettings.load().database_url, dispatch.metadata, _forget_headers),
    }
    for name, (url, metadata, forget) in places.items():
        try:
            if not url and not (core.data / f"{name}.db").exists():
                raise FileNotFoundError
            with open_database(core.data, name, metadata, url).begin() as connection:
                erased[f"{name} rows"] = forget(connection, found.studies)
        except (SQLAlchemyError, FileNotFoundError):  # its database is another service's, on another machine maybe
            not_reached.append(name)
    return erase_rows(vault, patient_key, found, erased, not_reached)


def _forget_arrivals(connection: Connection, studies: Sequence[str]) -> int:
    """So that objects which are sent again are taken as new ones."""
    return connection.execute(delete(gateway.instance).where(gateway.instance.c.study_key.in_(studies))).rowcount


def _forget_headers(connection: Connection, studies: Sequence[str]) -> int:
    """What selection remembers of the objects. The study's version stays: should it come again, it is the next."""
    column = dispatch.study.c
    connection.execute(update(dispatch.study).where(column.study_key.in_(studies)).values(content=""))
    return connection.execute(delete(dispatch.instance).where(dispatch.instance.c.study_key.in_(studies))).rowcount
