"""The file itself."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from lucidray.bus import TopicSpec
from lucidray.bus.sqlite import SqliteBus, database
from lucidray.bus.sqlite.database import connect
from lucidray.core.errors import Permanent, Transient

# Opens the file with the others at the same moment, and sends in small flushes.
SEND = """
import sys
from pathlib import Path
from lucidray.bus import TopicSpec
from lucidray.bus.sqlite import SqliteBus
sys.stdin.readline()
with SqliteBus(Path(sys.argv[1])) as bus:
    bus.ensure_topics([TopicSpec("topic", 3)])
    with bus.producer() as producer:
        for number in range(60):
            producer.send("topic", f"{sys.argv[2]}-{number}".encode(), key=sys.argv[2].encode())
            if number % 5 == 0:
                producer.flush()
"""


def test_many_processes_make_and_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "bus.db"
    names = [str(number) for number in range(6)]
    processes = [
        subprocess.Popen([sys.executable, "-c", SEND, str(path), name], stdin=subprocess.PIPE) for name in names
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0] * len(names)
    with SqliteBus(path) as bus, bus.consumer("group", ["topic"]) as consumer:
        records = [record for _ in range(10) for record in consumer.poll(0.1)]
    assert sorted(record.value for record in records) == sorted(
        f"{name}-{number}".encode() for name in names for number in range(60)
    )
    for name in names:
        mine = [record.value for record in records if record.key == name.encode()]
        assert mine == [f"{name}-{number}".encode() for number in range(60)]


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_records_are_synced_and_membership_is_not(tmp_path: Path, durable: bool, synchronous: int) -> None:
    with closing(connect(tmp_path / "bus.db", durable=durable)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == synchronous


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bus.db").write_bytes(b"no database" * 1000)
    with pytest.raises(Permanent, match=r"bus .*bus\.db: it cannot be read"):
        SqliteBus(tmp_path / "bus.db")


def test_a_file_of_another_format_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bus.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(Permanent, match="it has format 99, this version reads 1"):
        SqliteBus(tmp_path / "bus.db")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Permanent, match=r"its folder cannot be made .*name another file in bus\.path"):
        SqliteBus(tmp_path / "file" / "bus.db")


def test_a_directory_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "bus.db").mkdir()
    with pytest.raises(Permanent, match="may not be opened for writing"):
        SqliteBus(tmp_path / "bus.db")


def test_a_file_that_others_hold_too_long_is_transient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with SqliteBus(tmp_path / "bus.db") as bus, closing(connect(tmp_path / "bus.db", durable=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="database is locked"):
            bus.ensure_topics([TopicSpec("topic", 1)])
        other.execute("ROLLBACK")
        bus.ensure_topics([TopicSpec("topic", 1)])


def test_a_topic_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        SqliteBus(tmp_path / "bus.db") as bus,
        bus.producer() as producer,
        pytest.raises(Permanent, match="topic absent: it does not exist"),
    ):
        producer.send("absent", b"value")
