"""What `lucidray features` does with options that do not fit, and what it shows."""

import csv
from pathlib import Path

import numpy as np
import pytest
from tests.lab.features.forms import Forms, write_nifti, write_nrrd
from typer.testing import CliRunner, Result

from lucidray.core.errors import Permanent
from lucidray.launcher.main import app


def features(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["features", *map(str, arguments)])


@pytest.fixture
def pair(forms: Forms) -> tuple[str | Path, ...]:
    return ("--image", forms.images["NIfTI"], "--mask", forms.masks["NIfTI"], "-p", "pet-suv")


def test_a_mask_alone_is_listed_and_beside_anything_else_it_is_not(forms: Forms, tmp_path: Path) -> None:
    mask = forms.masks["NIfTI"]
    assert "number" in features("--mask", mask).output
    for more in (("-p", "pet-suv"), (tmp_path,), ("-o", tmp_path / "f.csv")):
        result = features("--mask", mask, *more)
        assert "needs a cohort, or an image and a mask" in str(result.exception)


def test_two_images_of_one_role_are_refused(forms: Forms, pair: tuple[str | Path, ...]) -> None:
    for image in (forms.images["NIfTI"], f"PET={forms.images['NRRD']}"):
        result = features(*pair, "--image", image)
        assert isinstance(result.exception, Permanent)
        assert "another image of role PET is given" in result.exception.cause


def test_the_listing_of_a_cohort_is_not_overwritten(forms: Forms, tmp_path: Path) -> None:
    listing = tmp_path / "cohort.csv"
    listing.write_text(f"subject,image,mask\na,{forms.images['NIfTI']},{forms.masks['NIfTI']}\n")
    before = listing.read_text()
    result = features(listing, "-p", "pet-suv", "-o", tmp_path / "." / "cohort.csv")
    assert "it is a listing that is read" in str(result.exception)
    assert listing.read_text() == before


def test_names_and_remarks_are_shown_whole(forms: Forms, tmp_path: Path) -> None:
    """At 80 columns too; the remark names the image and not the number that the engine gave the region."""
    one = np.zeros(forms.volume.voxels.shape, np.uint8)
    one[tuple(np.argwhere(forms.roi.mask)[0])] = 7
    write_nifti(tmp_path / "one.nii", one, forms.volume.grid)
    pair = ("--image", forms.images["NIfTI"], "--mask", tmp_path / "one.nii", "-p", "pet-suv")
    shown = features(*pair).output
    assert "…" not in shown
    assert "\nin PET: 1 voxel" in shown
    assert features(*pair, "-o", tmp_path / "f.csv").exit_code == 0
    with (tmp_path / "f.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["roi"], row["remarks"].startswith("in PET: 1 voxel")) == ("7", True)


def test_a_place_that_cannot_be_written_is_refused_first(pair: tuple[str | Path, ...]) -> None:
    result = features(*pair, "-o", "/proc/f.csv")
    assert "output f.csv: it cannot be written" in str(result.exception)


def test_a_lesion_without_any_value_is_counted_as_such(forms: Forms, tmp_path: Path) -> None:
    names = {"Segment0_Name": "GTV", "Segment0_LabelValue": "1", "Segment1_Name": "gone", "Segment1_LabelValue": "2"}
    write_nrrd(tmp_path / "two.nrrd", forms.roi.mask.astype(np.uint8), forms.volume.grid, **names)
    pair = ("--image", forms.images["NRRD"], "--mask", tmp_path / "two.nrrd", "-p", "pet-suv")
    shown = features(*pair, "-o", tmp_path / "f[x].csv").output
    assert "2 lesions measured (1 without any value: see its reason)" in shown
    assert "f[x].csv (preset pet-suv" in shown
    (tmp_path / "list.csv").write_text(f"subject,image,mask\na,{forms.images['NRRD']},two.nrrd\n")
    shown = features(tmp_path / "list.csv", "-p", "pet-suv", "-o", tmp_path / "g.csv").output
    assert "2 lesions of 1 subject measured (1 without any value: see its reason), 0 subjects failed" in shown
