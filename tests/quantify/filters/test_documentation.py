"""What docs/radiomics-filters.md shows is a preset."""

from pathlib import Path

import yaml

from lucidray.quantify.higher.families import HIGHER
from lucidray.quantify.preset import Preset

TEXT = (Path(__file__).parents[3] / "docs" / "radiomics-filters.md").read_text("utf-8")


def test_the_example_is_a_preset() -> None:
    example = TEXT.split("```yaml\n")[1].split("```")[0]
    preset = Preset.model_validate(yaml.safe_load(example))
    assert len(preset.measurements[0].filters) == 6
    assert preset.measurements[0].filters[0].label in TEXT


def test_every_family_and_every_kind_of_filter_is_explained() -> None:
    kinds = ("mean", "laplacian_of_gaussian", "laws", "gabor", "wavelet", "simoncelli")
    assert all(f"| `{name}`" in TEXT for name in (*HIGHER, *kinds))
