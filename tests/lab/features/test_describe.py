"""Everything that the engine can measure is explained."""

from typing import get_args

import pytest
from typer.testing import CliRunner

from lucidray.core.errors import Permanent
from lucidray.lab.features.describe import describe, descriptions
from lucidray.launcher.main import app
from lucidray.quantify.catalogue import features
from lucidray.quantify.filters import FilterSpec
from lucidray.quantify.hybrid import association, fusion
from lucidray.quantify.hybrid.measure import FAMILY
from lucidray.quantify.ibsi import definitions
from lucidray.quantify.voxel_number import POWERS, SUFFIX
from lucidray.serving.embedding_spec import Pooling


def test_every_feature_filter_and_fusion_of_the_engine_is_described() -> None:
    filters = {f"filters {each.model_fields['kind'].default}" for each in get_args(get_args(FilterSpec)[0])}
    fusions = {
        f"fusions {get_args(each.model_fields['kind'].annotation)[0]}" for each in get_args(get_args(fusion.Fusion)[0])
    }
    together = {f"{FAMILY} {name}" for name in association.NAMES}
    deep = {f"deep {pooling}" for pooling in get_args(Pooling)}
    variants = {f"{each.family} {each.name}{SUFFIX}" for each in definitions().values() if each.code in POWERS}
    assert set(descriptions()) == set(features()) | filters | fusions | together | deep | variants


def test_every_entry_has_a_formula_a_sentence_and_a_source() -> None:
    for key, each in descriptions().items():
        assert each.formula and each.source, key
        assert each.meaning[0].isupper(), key
        assert each.meaning.endswith("."), key
    assert {each.code for each in descriptions().values()} >= {each.code for each in definitions().values()}


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("RNU0", ["volume_mesh"]),
        ("morph_volume", ["volume_mesh"]),
        ("glcm contrast", ["contrast"]),
        ("contrast", ["contrast", "contrast"]),
        ("PET_glcm_joint_entropy_3D_comb_TU9B", ["joint_entropy"]),
        ("pearson_correlation", ["pearson_correlation"]),
        ("laplacian_of_gaussian", ["laplacian_of_gaussian"]),
        ("coarseness_voxel_number_normalised", ["coarseness_voxel_number_normalised"]),
        ("lbp_2d_entropy", ["lbp_2d_entropy"]),
        ("mean_7", ["mean"]),
    ],
)
def test_a_feature_is_found_by_code_name_abbreviation_or_column(what: str, found: list[str]) -> None:
    assert [each.name for each in describe(what)] == found


def test_an_unknown_feature_names_its_neighbours() -> None:
    with pytest.raises(Permanent, match="volume_mesh"):
        describe("mesh_volume_")


def test_the_command_prints_sentence_formula_and_symbols() -> None:
    result = CliRunner().invoke(app, ["features", "--describe", "sphericity"])
    assert result.exit_code == 0
    for part in (
        "morphology sphericity (IBSI QCFX)",
        "1 for a ball",
        "(36π V²)^(1/3) / A",
        "where: V, A:",
        "unit: none",
        "source: IBSI",
    ):
        assert part in result.stdout
