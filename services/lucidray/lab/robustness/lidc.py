"""Four readers of lung nodules (LIDC-IDRI), measured by the engine that serves.

    python -m lucidray.lab.robustness.lidc [PRESET] [FOLDER]

Reads `lidc` in LUCIDRAY_DATA: one nodule with its CT and the outlines of four readers, and a table of shapes of every
outline of the collection. One nodule has no variance between subjects and so no ICC: its figure is the variation
between readers. Armato et al. 2011, Med Phys 38:915; TCIA 10.7937/K9/TCIA.2015.LO9QL9SX (CC BY 3.0).
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lucidray.contracts.images import Volume
from lucidray.core.errors import Permanent
from lucidray.imaging.geometry import to_index
from lucidray.imaging.polygons import fill_polygons
from lucidray.lab.cohort import data_folder
from lucidray.lab.features.dicom_folder import read_series
from lucidray.lab.robustness.icc import agreement
from lucidray.lab.robustness.results import robustness, to_csv
from lucidray.lab.robustness.study import Repeated
from lucidray.quantify import extract

READERS = 4
SHAPES = ("volume", "eqdiam", "maxarea", "feret", "circ", "sph", "elong", "flat", "radvar")

Mask = npt.NDArray[np.bool_]


def reader_masks(contours: Path, volume: Volume) -> dict[str, Mask]:
    """The outlines of each reader as masks (z, y, x) on the grid of the CT.

    Outlines are (column, row) in pixels of the slice at `image_z_position`; one inside another is a hole.

    Raises
    ------
    Permanent
        An outline lies in no slice of the CT.
    """
    polygons: dict[tuple[str, int], list[npt.NDArray[np.float64]]] = defaultdict(list)
    with contours.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            points = np.array([[float(part) for part in line.split(",")] for line in row["coords"].split()])
            polygons[row["annotation_id"], _slice(volume, float(row["image_z_position"]))].append(points[:, ::-1])
    masks: dict[str, Mask] = {}
    for (reader, z), outlines in polygons.items():
        mask = masks.setdefault(reader, np.zeros(volume.grid.shape, np.bool_))
        mask[z] = fill_polygons(outlines, volume.grid.shape[1:])
    return masks


def shapes(annotations: Path) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Each shape descriptor of the scans with exactly four outlines, (scans, readers).

    The table does not say which outlines are of one nodule. Where a scan's four are not, they disagree more than
    readers do: the coefficients err on the low side. Nothing is left out to mend it.
    """
    with annotations.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["patient_id"])
    scans = [list(group) for _, group in groupby(rows, lambda row: row["patient_id"])]
    scans = [scan for scan in scans if len(scan) == READERS]
    for name in SHAPES:
        yield name, np.array([[float(row[name] or "nan") for row in scan] for scan in scans])


def _slice(volume: Volume, height: float) -> int:
    x, y, _ = volume.grid.origin
    z = float(to_index(volume.grid, np.array([[x, y, height]]))[0, 0])
    if abs(z - round(z)) > 0.1 or not 0 <= round(z) < volume.grid.shape[0]:  # slices, beyond rounding
        raise Permanent(f"outline at z={height:.2f}", "it lies in no slice of the CT", "give the CT that was read")
    return round(z)


def main(arguments: Sequence[str]) -> int:
    """Print the variation between readers, and the ICC of shapes; write the table of the nodule."""
    preset, output = [*arguments, *("ct-1mm", "build/robustness")[len(arguments) :]]
    folder = data_folder().parent / "lidc"
    volume = read_series(folder / "LIDC-IDRI-0314_ct_jpegls", "CT")
    masks = reader_masks(folder / "LIDC-IDRI-0314_contours.csv", volume)
    readings = [extract(volume, mask, preset) for mask in masks.values()]
    rows = robustness([Repeated("LIDC-IDRI-0314", readings)])
    table = Path(output) / "lidc-readers.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(to_csv(rows, "1,1"), "utf-8")
    print(f"LIDC-IDRI-0314, {len(masks)} readers, preset {preset}: variation between readers (table: {table})")
    for family, group in groupby(rows, lambda row: row.feature.family):
        known = [row.variation for row in group if row.variation is not None]
        print(f"  {family:28s} median {np.median(known):7.1%}  greatest {max(known):7.1%}  of {len(known)} features")
    print("shapes of the scans with exactly four outlines, ICC(1,1)")
    for name, values in shapes(folder / "lidc_all_annotations_with_shape.csv"):
        found = agreement(values)
        one = found.icc["1,1"]
        print(f"  {name:9s} {one.value:.3f} ({one.low:.3f} to {one.high:.3f}), {found.subjects} scans")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
