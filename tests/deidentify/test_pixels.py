"""What becomes of objects whose pixels show text, through the step and on the policy itself."""

import io
import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless
from rich.console import Console
from tests.deidentify.objects import KEYS, ct_slice, open_vault, parse, part10, run
from tests.deidentify.pictures import SECONDARY_CAPTURE, byte, compressed, image, ultrasound, written

from lucidray.core.canonical import digest_bytes
from lucidray.core.errors import Permanent, Refused
from lucidray.deidentify.folders.export import export_folder
from lucidray.deidentify.folders.keys import Forgotten
from lucidray.deidentify.pixels import SAMPLED, PixelPolicy, TextFound
from lucidray.deidentify.source import Source
from lucidray.deidentify.textmap import find_text
from lucidray.phantom import backdrop
from lucidray.phantom.lettering import mask_of
from lucidray.phantom.scanners import SCANNERS
from lucidray.phantom.study import make_study

DATA = Path(os.environ.get("LUCIDRAY_DATA", Path(__file__).parents[2] / "../shared/data"))
CLEAN = {"pixels": "clean"}
SURE_SEED = 21


def file(dataset: Dataset) -> bytes:
    return part10(dataset, ExplicitVRLittleEndian)


def options(dataset: Dataset) -> list[str]:
    return [str(code.CodeValue) for code in dataset.DeidentificationMethodCodeSequence]


def admit(data: bytes, *, clean: bool = False, first: bool = False) -> tuple[Source, bool]:
    source = Source.of(data)
    header = source.header()
    firsts = frozenset({str(header.SOPInstanceUID)} if first else ())
    return PixelPolicy(clean, firsts=firsts).admit(data, source, header, "object 7")


def is_refused(data: bytes, *, first: bool = False) -> bool:
    try:
        admit(data, first=first)
    except TextFound:
        return True
    return False


def slice_with_text(**changes: Any) -> Dataset:
    picture, _ = written("tomogram", SURE_SEED, shape=(256, 256))
    return image((picture * 2000 - 1000).astype("<i2"), **changes)


@pytest.mark.parametrize("changes", [{}, {"BurnedInAnnotation": "NO"}])
def test_ultrasound_and_captures_are_kept_back_unless_cleaning_is_asked_for(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    picture, lines = written("ultrasound", 2, lines=8)
    for dataset in (ultrasound(byte(picture)), image(byte(picture), SOPClassUID=SECONDARY_CAPTURE)):
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
        with pytest.raises(Refused, match="as a matter of course"):
            run(open_vault(tmp_path), {"US": [file(dataset)]})
        [out] = run(open_vault(tmp_path), {"US": [file(dataset)]}, parameters=CLEAN)["US"]
        after = parse(out)
        assert "113101" in options(after) and after.BurnedInAnnotation == "NO"
        assert after.SOPInstanceUID == KEYS.uid(str(dataset.SOPInstanceUID))
        text = mask_of(lines, picture.shape)
        assert len(lines) >= 3 and (after.pixel_array[text] == after.pixel_array.min()).mean() > 0.95
        assert find_text(after.pixel_array) == []


def test_what_was_not_cleaned_does_not_say_so(tmp_path: Path) -> None:
    [out] = run(open_vault(tmp_path), {"CT": [file(ct_slice())]}, parameters=CLEAN)["CT"]
    assert "113101" not in options(parse(out))


def test_text_in_any_frame_is_blanked_in_all(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    empty = backdrop.ultrasound(rng, (256, 320))
    picture, _ = written("ultrasound", 2)
    frames = np.stack([byte(empty), byte(picture), byte(empty)])
    dataset = image(frames, SOPClassUID="1.2.840.10008.5.1.4.1.1.3.1", Modality="US")
    [out] = run(open_vault(tmp_path), {"US": [file(dataset)]}, parameters=CLEAN)["US"]
    after = parse(out).pixel_array
    assert [find_text(frame) for frame in after] == [[], [], []]
    changed = after[0] != frames[0]
    assert changed.any() and not changed.all()


def test_coloured_text_is_seen() -> None:
    picture, lines = written("ultrasound", 2)
    grey = byte(backdrop.ultrasound(np.random.default_rng(2), picture.shape))  # the same without the text
    red = np.stack([grey // 2] * 3, -1)
    text = (picture - grey / 255 > 0.3) & mask_of(lines, picture.shape)
    red[text] = (255, 0, 0)
    source, cleaned = admit(file(image(red, SOPClassUID=SECONDARY_CAPTURE)), clean=True)
    after = np.frombuffer(_pixels(source), np.uint8)
    left = after.reshape(red.shape)[text]
    assert cleaned and text.sum() > 200 and (left == (255, 0, 0)).all(-1).mean() < 0.05


def _pixels(source: Source) -> bytes:
    element = next(each for each in source.elements if each.tag == 0x7FE00010)
    return bytes(source.data[element.start : element.end])


def test_a_scanners_slice_that_was_written_on_is_kept_back_or_cleaned(tmp_path: Path) -> None:
    dataset = slice_with_text(BurnedInAnnotation="NO")
    for data in (file(dataset), compressed(dataset, JPEG2000Lossless)):
        with pytest.raises(Refused, match="look") as refusal:
            run(open_vault(tmp_path), {"CT": [data]})
        assert "4711" not in str(refusal.value)
        after = parse(run(open_vault(tmp_path), {"CT": [data]}, parameters=CLEAN)["CT"][0])
        assert "113101" in options(after) and find_text(after.pixel_array) == []
        assert after.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_slices_are_sampled_by_their_uid_the_first_always() -> None:
    refused = []
    picture = slice_with_text()
    for number in range(2, 2 + 6 * SAMPLED):
        picture.InstanceNumber, picture.SOPInstanceUID = number, f"1.2.3.{number}"
        refused.append(is_refused(file(picture)))
    assert 1 <= sum(refused) <= 16  # one in sixty-four, six times
    not_sampled = 2 + refused.index(False)
    again = file(slice_with_text(InstanceNumber=999, SOPInstanceUID=f"1.2.3.{not_sampled}"))
    assert not is_refused(again)  # by its UID alone
    assert is_refused(again, first=True)


def series_of(folder: Path, numbers: Sequence[str | int], written_on: int) -> None:
    """A series of slices; the one at `written_on` has text. None of them is sampled by its UID."""
    folder.mkdir()
    for place, number in enumerate(numbers):
        picture = slice_with_text() if place == written_on else image(np.full((256, 256), place, "<i2"))
        picture.InstanceNumber = number
        uids = (f"1.2.3.{place}.{trial}" for trial in count())
        picture.SOPInstanceUID = next(uid for uid in uids if int(digest_bytes(uid.encode())[:8], 16) % SAMPLED)
        (folder / f"{len(numbers) - place}").write_bytes(file(picture))


@pytest.mark.parametrize("numbers", [[0, 1, 2], [2, 3, 4], [101, 102, 103], ["01", "02", "03"], [-5, 0, 7]])
def test_the_first_slice_of_a_series_is_looked_at_whatever_its_number(tmp_path: Path, numbers: list[str | int]) -> None:
    for written_on, goes in ((0, False), (1, True)):
        source = tmp_path / f"in {written_on}"
        series_of(source, numbers, written_on)
        report = export_folder(source, tmp_path / f"out {written_on}", "basic", Forgotten(), 1, Console(quiet=True))
        assert report.written == (3 if goes else 0)
        files = {"CT": [path.read_bytes() for path in sorted(source.iterdir())]}
        if goes:
            assert run(open_vault(tmp_path), files)
        else:
            with pytest.raises(TextFound):
                run(open_vault(tmp_path), files)


def test_what_does_not_go_out_is_not_the_first(tmp_path: Path) -> None:
    source = tmp_path / "in"
    series_of(source, [3, 4, 5], 0)
    screen = {"InstanceNumber": 1, "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"], "SOPInstanceUID": "1.2.9"}
    (source / "screen").write_bytes(file(slice_with_text(**screen)))
    stranger = {"InstanceNumber": 2, "PatientID": "stranger", "SOPInstanceUID": "1.2.8"}
    (source / "stranger").write_bytes(file(slice_with_text(**stranger)))
    report = export_folder(source, tmp_path / "out", "basic", Forgotten(), 1, Console(quiet=True))
    assert report.written == 0


def test_first_middle_and_last_frames_of_enhanced_objects_are_looked_at() -> None:
    clean = (backdrop.tomogram(np.random.default_rng(1), (256, 256)) * 2000).astype("<i2")
    text = np.frombuffer(slice_with_text().PixelData, "<i2").reshape(256, 256)
    for place in (0, 2, 4):
        frames = [clean] * 5
        frames[place] = text
        with pytest.raises(Refused, match="look"):
            admit(file(image(np.stack(frames), SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", InstanceNumber=9)))
    admit(file(image(np.stack([clean] * 5), SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1")))


def test_research_export_keeps_heads_back(tmp_path: Path) -> None:
    for part, profile, goes in (
        ("HEAD", "research-export", False),
        ("CHEST", "research-export", True),
        ("HEAD", "clinical-ai", True),
    ):
        files = {"CT": [file(ct_slice(BodyPartExamined=part))]}
        if goes:
            assert run(open_vault(tmp_path), files, parameters={"profile": profile})
        else:
            with pytest.raises(Refused, match="faces are not removed"):
                run(open_vault(tmp_path), files, parameters={"profile": profile})


def test_a_folder_keeps_the_whole_series_back(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(1, 5):
        picture = slice_with_text() if number == 1 else image(np.full((256, 256), number, "<i2"))
        picture.InstanceNumber, picture.SOPInstanceUID = number, f"1.2.3.{number}"
        (source / f"a{number}").write_bytes(file(picture))
        picture.SeriesInstanceUID, picture.SOPInstanceUID = "1.2.4", f"1.2.4.{number}"
        if number > 1:
            (source / f"b{number}").write_bytes(file(picture))
    report = export_folder(source, tmp_path / "out", "clinical-ai", Forgotten(), 1, Console(quiet=True))
    assert report.written == 3
    assert sorted(path for path, _ in report.refused) == [source / f"a{number}" for number in range(1, 5)]
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 3
    report = export_folder(
        source, tmp_path / "cleaned", "clinical-ai", Forgotten(), 1, Console(quiet=True), clean_pixels=True
    )
    assert (report.written, report.refused) == (7, [])


def test_pixels_that_do_not_decode_end_with_a_reason() -> None:
    dataset = parse(compressed(slice_with_text(), JPEG2000Lossless))
    dataset.PixelData = encapsulate([b"no code stream at all" * 9])
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    with pytest.raises(Permanent, match="do not decode"):
        admit(buffer.getvalue(), first=True)


@pytest.mark.parametrize("scanner", list(SCANNERS))
def test_phantoms_are_not_taken_for_written_on(scanner: str) -> None:
    study = make_study(3, scanner=scanner)
    for modality in ("CT", "PT"):
        for dataset in study.of(modality):
            admit(file(dataset), first=True)


@pytest.mark.data
@pytest.mark.parametrize("folder", ["sts_cohort", "lidc", "qin_headneck", "interop"])
def test_real_scans_are_not_taken_for_written_on(folder: str) -> None:
    found = sorted(path for path in (DATA / folder).rglob("*.dcm") if path.is_file())
    if not found:
        pytest.skip(f"needs {folder} of LUCIDRAY_DATA")
    looked = 0
    for path in found[:: max(1, len(found) // 15)]:
        try:
            admit(path.read_bytes(), first=True)
        except Exception as error:
            assert "text were burned in" not in str(error), path
        else:
            looked += 1
    assert looked >= 3
