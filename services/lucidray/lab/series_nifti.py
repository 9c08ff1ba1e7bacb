"""De-identified series as NIfTI-1 files, with what the scanner says beside them."""

from collections import Counter
from pathlib import Path

import numpy as np

from lucidray.contracts.images import Volume
from lucidray.core.errors import LucidrayError, Permanent
from lucidray.harmonize.step import image_slices, make_volume
from lucidray.imaging.dicom import tolerant

MOST_VOXELS = 1 << 30
# NIfTI's world is RAS, DICOM's is LPS; NIfTI counts (x, y, z), we count (z, y, x).
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_XYZ_TO_ZYX = np.eye(4)[[2, 1, 0, 3]]


def write_nifti(volume: Volume, path: Path) -> None:
    """A volume as `path` (.nii.gz), its facts as .json beside it. Voxels in the volume's own unit: HU, SUVbw.

    Raises
    ------
    Permanent
        nibabel is not installed.
    """
    try:
        import nibabel
    except ImportError:
        raise Permanent("package nibabel", "it is not installed", "pip install 'lucidray[lab]'") from None

    affine = _LPS_TO_RAS @ volume.grid.affine @ _XYZ_TO_ZYX
    image = nibabel.Nifti1Image(volume.voxels.transpose(2, 1, 0), affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    nibabel.save(image, path)
    facts = volume.facts.model_dump_json(indent=2)
    path.with_name(path.name.removesuffix(".nii.gz") + ".json").write_text(facts + "\n", encoding="utf-8")


def export_series(folder: Path, target: Path) -> Counter[str]:
    """Every series of images below `folder`/patient/study/series as `target`/patient/study/series.nii.gz.

    Returns how often which cause kept a series from becoming a volume; "" counts those that did, and "no image" those
    that hold none.
    """
    outcomes: Counter[str] = Counter()
    for series in sorted(path for path in folder.glob("P*/*/*") if path.is_dir()):
        try:
            with tolerant():
                slices = image_slices([path.read_bytes() for path in sorted(series.iterdir())], "the series")
                if not slices:
                    outcomes["no image"] += 1
                    continue
                volume, _ = make_volume(slices, "the series", "refuse", MOST_VOXELS)
        except LucidrayError as error:
            outcomes[error.cause] += 1
            continue
        path = target / series.relative_to(folder).with_name(f"{series.name}.nii.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_nifti(volume, path)
        outcomes[""] += 1
    return outcomes
