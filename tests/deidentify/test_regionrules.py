from pathlib import Path

import numpy as np
import pytest
from tests.deidentify.objects import ct_slice
from tests.deidentify.pictures import ultrasound

from lucidray.core.errors import Permanent
from lucidray.deidentify.regionrules import RULES, device_mask, read_rules

RULE = """
- name: Cart in room 3
  when: {Manufacturer: "siemens.*", Rows: "8", Columns: "8"}
  blank: [[0, 2, 3, 8]]
- name: Bottom
  when: {Modality: CT|US}
  unit: fraction
  blank: [[0.75, 0, 1, 1]]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text)
    return path


def test_rules_blank_by_maker_and_size(tmp_path: Path) -> None:
    rules = read_rules([write(tmp_path, RULE)])
    mask = device_mask(ct_slice(), rules)
    expected = np.zeros((8, 8), bool)
    expected[0:3, 2:8] = True
    expected[6:] = True
    assert (mask == expected).all()
    assert not device_mask(ct_slice(Manufacturer="GE", Modality="MR"), rules).any()


def test_ultrasound_keeps_its_regions_alone() -> None:
    mask = device_mask(ultrasound(np.zeros((100, 120), np.uint8), (20, 10, 89, 99)), [])
    assert mask.sum() == 100 * 120 - 70 * 90 and not mask[20:90, 10:100].any()


def test_the_rules_that_come_with_us_read_and_blank_the_banner() -> None:
    mask = device_mask(ultrasound(np.zeros((100, 120), np.uint8)), read_rules([RULES]))
    assert mask[:8].all() and not mask[8:].any()


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "- {name: x}",
        "- {name: x, when: {NoSuchKeyword: a}, blank: []}",
        "- {name: x, when: {Rows: '('}, blank: []}",
        "- {name: x, when: {}, blank: [[1, 2, 3]]}",
        "5",
    ],
)
def test_a_wrong_rule_is_named_with_its_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(Permanent, match="rules.yaml"):
        read_rules([write(tmp_path, text)])
