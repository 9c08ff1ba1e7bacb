"""The table of features against what DICOM and the IBSI say."""

import csv
from pathlib import Path

import pytest
from pydicom.sr.codedict import codes

from lucidray.quantify.ibsi import FAMILY_CODES, TEXTURE, aggregation_code, definitions

# Features that the manual defines without agreed values: the least ellipsoid, the oriented box, the area under the IVH.
WITHOUT_CONSENSUS = {
    "ivh_auc",
    "morph_area_dens_mvee",
    "morph_area_dens_ombb",
    "morph_vol_dens_mvee",
    "morph_vol_dens_ombb",
}


def test_codes_are_those_of_dicom() -> None:
    ours = {each.code: each for each in definitions().values()}
    dicom = {code.value for code in codes.IBSI.concepts.values()}
    assert dicom <= set(ours)
    assert len(dicom) == 147


@pytest.mark.parametrize(
    ("code", "word"),
    [("TU9B", "entropy"), ("QCFX", "sphericity"), ("ACUI", "contrast"), ("65HE", "contrast"), ("FCBV", "entropy")],
)
def test_names_mean_what_dicom_says(code: str, word: str) -> None:
    definition = next(each for each in definitions().values() if each.code == code)
    meaning = next(each.meaning for each in codes.IBSI.concepts.values() if each.value == code)
    assert word in definition.name
    assert word in meaning.lower()


def test_each_feature_is_listed_once_in_a_known_family() -> None:
    listed = list(definitions().values())
    assert len({each.code for each in listed}) == len(listed) == 174
    assert len({(each.family, each.name) for each in listed}) == len(listed)
    assert {each.family for each in listed} == set(FAMILY_CODES)


def test_units_follow_the_image() -> None:
    by_name = {each.name: each for each in definitions().values()}
    assert by_name["maximum_intensity"].unit("{SUVbw}g/ml") == "{SUVbw}g/ml"
    assert by_name["intensity_variance"].unit("[hnsf'U]") == "[hnsf'U]2"
    assert by_name["integrated_intensity"].unit("{SUVbw}g/ml") == "{SUVbw}g.mm3/ml"
    assert by_name["volume_mesh"].unit("[hnsf'U]") == "mm3"
    assert by_name["surface_to_volume_ratio"].unit("1") == "/mm"
    assert by_name["joint_entropy"].unit("[hnsf'U]") == "1"


def test_only_texture_is_aggregated() -> None:
    assert aggregation_code("glcm", "3D:avg") == "ITBB"
    assert aggregation_code("glszm", "2.5D:mrg") == "62GR"
    assert aggregation_code("morphology", "3D:mrg") == ""
    assert all(aggregation_code(family, "3D:mrg") for family in TEXTURE)


@pytest.mark.data
def test_every_consensus_feature_is_in_the_table(ibsi_data: Path) -> None:
    with (ibsi_data / "ibsi_1_reference_values" / "ibsi_1_dig_phantom.csv").open() as file:
        tags = {row["tag"] for row in csv.DictReader(file, delimiter=";") if row["reference value"]}
    suffixes = ("_2D_avg", "_2D_comb", "_2_5D_avg", "_2_5D_comb", "_3D_avg", "_3D_comb", "_2D", "_2_5D", "_3D")
    bare = set()
    for tag in tags:
        ending = next((suffix for suffix in suffixes if tag.endswith(suffix)), "")
        bare.add(tag.removesuffix(ending))
    assert bare == set(definitions()) - WITHOUT_CONSENSUS
