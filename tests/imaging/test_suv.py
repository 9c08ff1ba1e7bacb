"""SUV: against values worked out by hand, and every missing attribute by name."""

from typing import Any

import pytest
from pydicom import Dataset
from tests.imaging.slices import changed

from lucidray.core.errors import Permanent
from lucidray.imaging.suv import suv_scale

THING = "series of role 'PET'"
F18 = 6586.2  # s


def pet(**elements: Any) -> Dataset:
    """70 kg, 350 MBq of F-18 at 08:00, scan at 09:00 (dates are invented)."""
    tracer = Dataset()
    tracer.RadionuclideTotalDose = "350000000"
    tracer.RadionuclideHalfLife = str(F18)
    tracer.RadiopharmaceuticalStartTime = "080000"
    one = Dataset()
    one.Units, one.CorrectedImage, one.DecayCorrection = "BQML", ["NORM", "ATTN", "DECY"], "START"
    one.PatientWeight = "70"
    one.SeriesDate = one.AcquisitionDate = "20200101"
    one.SeriesTime, one.AcquisitionTime = "090000", "090000"
    one.RadiopharmaceuticalInformationSequence = [tracer]
    return changed(one, **elements)


def with_tracer(**elements: Any) -> Dataset:
    one = pet()
    return changed(
        one, RadiopharmaceuticalInformationSequence=[changed(one.RadiopharmaceuticalInformationSequence[0], **elements)]
    )


def factor(*slices: Dataset) -> float:
    return suv_scale(slices, THING).factor


def test_start() -> None:
    # 350 MBq * 2 ** (-3600 / 6586.2) = 239.622 MBq; 70,000 g / 239.622 MBq
    assert factor(pet()) == pytest.approx(2.921263e-4, rel=1e-5)
    assert factor(pet()) == pytest.approx(70_000 / (350e6 * 2 ** (-3600 / F18)), rel=1e-12)


def test_admin_needs_no_times() -> None:
    one = with_tracer(RadionuclideHalfLife=None, RadiopharmaceuticalStartTime=None)
    assert factor(changed(one, DecayCorrection="ADMIN")) == pytest.approx(70_000 / 350e6, rel=1e-12)


def test_suv_of_the_sender_is_trusted_and_said_so() -> None:
    scale = suv_scale([pet(Units="GML", PatientWeight=None)], THING)
    assert (scale.factor, scale.trusted) == (1.0, True)
    assert not suv_scale([pet()], THING).trusted


def test_scan_after_midnight() -> None:
    one = with_tracer(RadiopharmaceuticalStartTime="233000")
    late = changed(
        one, SeriesDate="20200102", AcquisitionDate="20200102", SeriesTime="003000", AcquisitionTime="003000"
    )
    assert factor(late) == pytest.approx(factor(pet()), rel=1e-12)


def test_start_date_time_counts_over_start_time() -> None:
    one = with_tracer(RadiopharmaceuticalStartDateTime="20200101073000.00", RadiopharmaceuticalStartTime="080000")
    assert factor(one) == pytest.approx(70_000 / (350e6 * 2 ** (-5400 / F18)), rel=1e-12)


def test_series_derived_later_falls_back_to_the_earliest_acquisition() -> None:
    derived = [
        pet(SeriesTime="150000", AcquisitionTime="091000"),
        pet(SeriesTime="150000", AcquisitionTime="090000"),
    ]
    assert factor(*derived) == pytest.approx(factor(pet()), rel=1e-12)


def test_series_derived_later_takes_ge_scan_time_where_it_is() -> None:
    derived = pet(SeriesTime="150000", AcquisitionTime="091000")
    derived.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20200101090000.00")
    assert factor(derived) == pytest.approx(factor(pet()), rel=1e-12)


def philips(**factors: str) -> Dataset:
    one = pet(Units="CNTS")
    block = one.private_block(0x7053, "Philips PET Private Group", create=True)
    for element, value in factors.items():
        block.add_new(int(element.removeprefix("x"), 16), "DS", value)
    return one


def test_philips_counts_by_suv_factor() -> None:
    assert factor(philips(x00="0.000551", x09="1.2")) == pytest.approx(0.000551)


def test_philips_counts_by_activity_factor() -> None:
    assert factor(philips(x00="0", x09="1.2")) == pytest.approx(1.2 * factor(pet()), rel=1e-12)


def test_philips_without_factors_names_them() -> None:
    with pytest.raises(Permanent, match=r"\(7053,1000\) and \(7053,1009\)"):
        factor(pet(Units="CNTS"))


def test_philips_factor_must_be_the_same_everywhere() -> None:
    with pytest.raises(Permanent, match=r"\(7053,1000\) differs"):
        factor(philips(x00="0.1"), philips(x00="0.2"))


@pytest.mark.parametrize(
    ("one", "named"),
    [
        (pet(PatientWeight=None), "PatientWeight of the patient is missing"),
        (pet(PatientWeight="0"), "PatientWeight of the patient is not positive"),
        (with_tracer(RadionuclideTotalDose=None), "RadionuclideTotalDose of the radiopharmaceutical is missing"),
        (with_tracer(RadionuclideTotalDose="350"), "350 Bq, too little"),
        (with_tracer(RadionuclideHalfLife=None), "RadionuclideHalfLife"),
        (
            with_tracer(RadiopharmaceuticalStartTime=None),
            "RadiopharmaceuticalStartTime and RadiopharmaceuticalStartDateTime are missing",
        ),
        (with_tracer(RadiopharmaceuticalStartDateTime="20200101093000"), "-30 minutes before"),
        (with_tracer(RadiopharmaceuticalStartTime="090100"), "1439 minutes before"),
        (pet(RadiopharmaceuticalInformationSequence=None), "has 0 items"),
        (pet(CorrectedImage=["DECY"]), "lacks ATTN"),
        (pet(CorrectedImage=["ATTN"]), "lacks DECY"),
        (pet(CorrectedImage=None), "lacks ATTN"),
        (pet(DecayCorrection="NONE"), "DecayCorrection is NONE"),
        (pet(DecayCorrection=None), "DecayCorrection is missing"),
        (pet(Units="PROPCPS"), "Units are PROPCPS"),
        (pet(Units=None), "Units are missing"),
        (pet(Units="GML", SUVType="LBM"), "SUVType is not BW"),
        (pet(SeriesDate=None, SeriesTime=None, AcquisitionDate=None, AcquisitionTime=None), "neither SeriesDate"),
    ],
)
def test_what_is_missing_is_named(one: Dataset, named: str) -> None:
    with pytest.raises(Permanent) as failure:
        factor(one)
    assert named in str(failure.value)
    assert failure.value.thing == THING
    assert "send" in failure.value.remedy


def test_dates_stay_out_of_messages() -> None:
    with pytest.raises(Permanent) as failure:
        factor(with_tracer(RadiopharmaceuticalStartDateTime="20200101093000"))
    assert "2020" not in str(failure.value)
