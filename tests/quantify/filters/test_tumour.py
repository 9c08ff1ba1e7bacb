"""Statistics of response maps of a real tumour, beside the same of mirp's maps."""

from pathlib import Path

import numpy as np
import pytest

from lucidray.lab.oracles.mirp_filters import mirp_response
from lucidray.quantify import extract
from lucidray.quantify.filters.specs import Simoncelli
from lucidray.quantify.preset import load_preset

SPACING = (3.0, 3.0, 3.0)


@pytest.mark.data
@pytest.mark.parametrize("preset", ["ibsi-2-a", "ibsi-2-b"])
def test_the_maps_of_a_sarcoma_are_those_of_mirp(ibsi_data: Path, preset: str) -> None:
    path = ibsi_data.parent / "sts_cohort" / "iso3mm_ctpet" / "STS_003.npz"
    if not path.is_file():
        pytest.skip("needs sts_cohort of LUCIDRAY_DATA")
    pytest.importorskip("mirp", reason="needs mirp as the oracle")
    with np.load(path) as content:
        image, mask = content["ct_u8"] * 2.0 - 250, content["gtv"] > 0
    (measurement,) = load_preset(preset).measurements
    filters = [spec for spec in measurement.filters if not isinstance(spec, Simoncelli)]  # mirp needs cubes for these
    changes = {"spacing": None, "rounded": False, "intensity_range": (None, None)}
    ours = load_preset(preset).model_copy(
        update={"measurements": [measurement.model_copy(update={"filters": filters, **changes})]}
    )
    plain = ours.model_copy(update={"measurements": [measurement.model_copy(update={"filters": [], **changes})]})
    found = extract(image, mask, ours, spacing=SPACING)
    for spec in filters:
        wanted = {
            each.name: each.value for each in extract(mirp_response(image, SPACING, spec), mask, plain, spacing=SPACING)
        }
        values = {each.name: each.value for each in found if each.filter == spec.label}
        assert values == pytest.approx(wanted, rel=1e-5, abs=1e-5 * abs(wanted["intensity_range"] or 0)), spec.label
