"""What holds for every object: the same graph of UIDs, whole and ordered elements, the same bytes each time."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from tests.deidentify.objects import KEYS, ct_slice, item, items, parse, part10, through_engine

from lucidray.deidentify.engine import Deidentifier, Replaced
from lucidray.deidentify.profile import load_profile, profile_names
from lucidray.deidentify.pseudonyms import is_standard
from lucidray.deidentify.rules import Rulebook
from lucidray.deidentify.source import Source
from lucidray.deidentify.study import Identity
from lucidray.imaging.elements import Kind, encoding_of, walk

SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
UIDS = st.integers(1, 12).map(lambda number: f"1.2.276.0.7230010.{number}")  # few, so that they meet again
REFERENCES = (
    "ReferencedSOPInstanceUID",
    "FrameOfReferenceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "DeviceUID",
    "TrackingUID",
    "SourceFrameOfReferenceUID",
)
SEQUENCES = (
    "ReferencedImageSequence",
    "SourceImageSequence",
    "SharedFunctionalGroupsSequence",
    "DerivationImageSequence",
)


@st.composite
def levels(draw: st.DrawFn, depth: int = 0) -> Dataset:
    """A dataset of references, numbers and texts, and of sequences of such."""
    values: dict[str, Any] = {keyword: draw(UIDS) for keyword in draw(st.sets(st.sampled_from(REFERENCES)))}
    if draw(st.booleans()):
        values["SliceThickness"] = draw(st.decimals(0, 99, places=3)).normalize().to_eng_string()
    if draw(st.booleans()):
        values["PatientComments"] = draw(st.text("abcÄß山", max_size=20))
    if draw(st.booleans()):
        values["ConvolutionKernel"] = draw(st.sampled_from(["B30f", "STANDARD", "DR MUSTER"]))
    if depth < 3:
        for keyword in draw(st.sets(st.sampled_from(SEQUENCES), max_size=2)):
            values[keyword] = items(*draw(st.lists(levels(depth + 1), max_size=3)))
    return item(**values)


@st.composite
def objects(draw: st.DrawFn) -> tuple[Dataset, UID]:
    """A CT slice with such a dataset in it, and a transfer syntax."""
    dataset = ct_slice(SpecificCharacterSet="ISO_IR 192", SOPInstanceUID=draw(UIDS))
    for element in draw(levels()):
        dataset.add(element)
    return dataset, draw(st.sampled_from(SYNTAXES))


def uids(dataset: Dataset, path: str = "") -> Iterator[tuple[str, str]]:
    """Every UID with the path to it, but for those of the declaration."""
    for element in dataset:
        place = f"{path}/{element.keyword}"
        if element.VR == "SQ":
            for number, each in enumerate(element.value):
                yield from uids(each, f"{place}[{number}]")
        elif element.VR == "UI":
            yield place, str(element.value)


@settings(max_examples=60, deadline=None)
@given(objects(), st.sampled_from(profile_names()))
def test_the_graph_of_uids_is_the_same(given_object: tuple[Dataset, UID], profile: str) -> None:
    dataset, syntax = given_object
    data = part10(dataset, syntax)
    before, after = dict(uids(parse(data))), dict(uids(parse(through_engine(data, profile))))
    assert after.keys() <= before.keys()
    mapped = {before[place]: pseudonym for place, pseudonym in after.items()}
    assert all(mapped[before[place]] == pseudonym for place, pseudonym in after.items())
    assert len(set(mapped.values())) == len(mapped)
    assert all((original == pseudonym) == is_standard(original) for original, pseudonym in mapped.items())


@settings(max_examples=60, deadline=None)
@given(objects(), st.sampled_from(profile_names()))
def test_what_comes_out_is_whole_ordered_and_always_the_same(given_object: tuple[Dataset, UID], profile: str) -> None:
    dataset, syntax = given_object
    data = part10(dataset, syntax)
    output = through_engine(data, profile)
    assert output == through_engine(data, profile)
    source = Source.of(output)
    start = source.elements[0].begin
    tags: dict[int, list[int]] = {}
    for token in walk(output, encoding_of(syntax), start):
        if token.kind is Kind.ITEM:
            tags.pop(token.depth + 1, None)
        if token.kind in (Kind.ELEMENT, Kind.SEQUENCE):
            tags.setdefault(token.depth, []).append(token.tag)
            assert (token.end - token.start) % 2 == 0
            assert all(one < other for one, other in pairwise(tags[token.depth][-2:]))
    patient = Identity.of(parse(output)).pseudonym(KEYS)
    again = Deidentifier(patient, KEYS, Rulebook(load_profile(profile)), Replaced())
    assert again.clean(source).to_bytes() == output


def faults(part10_file: bytes) -> set[str]:
    """What dciodvfy has against an object, without the values that it quotes."""
    with tempfile.NamedTemporaryFile(suffix=".dcm") as file:
        file.write(part10_file)
        file.flush()
        done = subprocess.run([Path(sys.executable).parent / "dciodvfy", file.name], capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    assert "CTImage" in lines, lines
    return {re.sub(r"[<\[][^>\]]*[>\]]", "", line) for line in lines if line.startswith("Error")}


@settings(max_examples=25, deadline=None)
@given(objects(), st.sampled_from(profile_names()))
def test_nothing_becomes_invalid(given_object: tuple[Dataset, UID], profile: str) -> None:
    dataset, syntax = given_object
    data = part10(dataset, syntax)
    assert faults(through_engine(data, profile)) - faults(data) == set()
