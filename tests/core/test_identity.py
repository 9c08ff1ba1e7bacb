"""Opaque identifiers."""

import stat
from pathlib import Path

import pytest

from lucidray.core.errors import Permanent
from lucidray.core.identity import SiteKey, load_site_key, new_site_key, write_site_key

KEY = SiteKey(bytes(range(32)))
OTHER = SiteKey(bytes(range(1, 33)))


def test_equal_values_give_equal_identifiers_only_under_one_key() -> None:
    assert KEY.study("1.2.3") == KEY.study("1.2.3")
    assert KEY.study("1.2.3") != OTHER.study("1.2.3")
    assert len(KEY.study("1.2.3")) == 32


def test_kinds_and_neighbouring_values_do_not_collide() -> None:
    assert len({KEY.study("1.2"), KEY.series("1.2"), KEY.instance("1.2"), KEY.patient("1.2")}) == 4
    assert KEY.opaque("k", "ab", "c") != KEY.opaque("k", "a", "bc")


def test_padding_does_not_make_another_patient() -> None:
    assert KEY.patient("ID1 ") == KEY.patient("ID1")
    assert KEY.patient("ID1", "A") != KEY.patient("ID1", "B")


def test_the_secret_is_never_printed() -> None:
    assert repr(KEY) == "SiteKey(...)"


@pytest.mark.parametrize("weak", [b"", b"short", b"\0" * 32, b"ab" * 16])
def test_weak_keys_are_refused(weak: bytes) -> None:
    with pytest.raises(Permanent, match="32 random bytes"):
        SiteKey(weak)


def test_key_file_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "site.key"
    write_site_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_site_key(path).study("1") == load_site_key(path).study("1")
    with pytest.raises(FileExistsError):
        write_site_key(path)


def test_missing_and_garbled_key_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="cannot be read"):
        load_site_key(tmp_path / "none")
    (tmp_path / "garbled").write_text("not hex")
    with pytest.raises(Permanent, match="hexadecimal"):
        load_site_key(tmp_path / "garbled")


def test_fresh_keys_differ() -> None:
    assert new_site_key() != new_site_key()
