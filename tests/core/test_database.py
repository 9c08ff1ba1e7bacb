"""A database that cannot be opened is named, and its URL is not quoted."""

from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from lucidray.core.database import open_database
from lucidray.core.errors import LucidrayError, Permanent, Transient
from lucidray.launcher.ports import free_port

METADATA = MetaData()
Table("one", METADATA, Column("id", Integer, primary_key=True))


@pytest.mark.parametrize("url", ["nonsense", "nosuch://user:secret@host/name", "mssql+nosuch://user:secret@host/name"])
def test_a_url_that_cannot_be_used(tmp_path: Path, url: str) -> None:
    with pytest.raises(Permanent, match=r"database URL of gateway: it cannot be used .*postgresql") as caught:
        open_database(tmp_path, "gateway", METADATA, url)
    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_run(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="needs the driver of PostgreSQL")
    with pytest.raises(Transient, match=r"gateway: its database does not answer \(OperationalError\)") as caught:
        open_database(tmp_path, "gateway", METADATA, f"postgresql+psycopg://user:secret@127.0.0.1:{free_port()}/name")
    assert "secret" not in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_bytes(b"this is no database" * 100)
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(LucidrayError, match="its database does not answer"):
            open_database(folder, "gateway", METADATA)
