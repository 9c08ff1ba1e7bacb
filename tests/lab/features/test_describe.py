"""Everything that the engine can measure is explained."""

from itertools import product
from typing import get_args

import pytest
from typer.testing import CliRunner

from lucidray.contracts.results import Feature
from lucidray.core.errors import Permanent
from lucidray.lab.features.clinical import INPUTS, column_of
from lucidray.lab.features.describe import describe, descriptions
from lucidray.lab.features.tables import AGGREGATIONS, column
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
    clinical = {f"clinical {each.name}" for each in INPUTS.values()}
    variants = {f"{each.family} {each.name}{SUFFIX}" for each in definitions().values() if each.code in POWERS}
    assert set(descriptions()) == set(features()) | filters | fusions | together | deep | variants | clinical


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
        ("CT_Net-features_deep_std_12", ["std"]),
        ("XY_ngtdm_coarseness_voxel_number_normalised_3D", ["coarseness_voxel_number_normalised"]),
        ("glcm_contrast_2_5D_avg", ["contrast"]),
        ("XY_local_binary_pattern_lbp_2d_entropy", ["lbp_2d_entropy"]),
        ("PET+CT_voxelwise_association_conditional_entropy_of_first", ["conditional_entropy_of_first"]),
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


def every_column() -> list[tuple[str, Feature]]:
    """Of every feature that the engine can measure, by the column of its table, with each aggregation."""
    known: list[tuple[str, str, str]] = [(each.family, each.name, each.code) for each in features().values()]
    known += [(each.family, each.name + SUFFIX, "") for each in definitions().values() if each.code in POWERS]
    known += [(FAMILY, name, "") for name in association.NAMES]
    known += [("deep", f"{pooling}_7", "") for pooling in get_args(Pooling)]
    found = []
    for (family, name, code), aggregation in product(known, ["", *AGGREGATIONS]):
        feature = Feature(
            name=name,
            family=family,
            ibsi_code=code,
            aggregation=aggregation,
            filter="mean 5 mirror",
            value=1,
            image_role="PET+CT",
            segment=1,
        )
        if family != "deep" or not aggregation:
            found.append((column(feature), feature))
    return found


def test_every_column_of_a_table_is_explained() -> None:
    wrong = []
    for name, feature in every_column():
        (entry,) = describe(name)
        expected = feature.name.rpartition("_")[0] if feature.family == "deep" else feature.name
        if (entry.family, entry.name) != (feature.family, expected):
            wrong.append((name, entry.name))
    assert not wrong


def test_clinical_columns_are_explained() -> None:
    for each in INPUTS.values():
        (entry,) = describe(column_of(each))
        assert (entry.family, entry.name) == ("clinical", each.name)
        assert entry.unit == ("none" if each.unit == "1" else each.unit)


@pytest.mark.parametrize("family", ["glcm", "gradient", "voxelwise_association", "deep", "clinical", "filters"])
def test_a_family_is_explained_feature_by_feature(family: str) -> None:
    every = {key for key, each in descriptions().items() if each.family == family}
    assert len(every) > 1
    assert {each.name for each in describe(family) if each.family == family} == {
        descriptions()[key].name for key in every
    }
