"""nyxus, in its IBSI mode. It averages 3D matrices over directions, and knows no other aggregation of a volume."""

from pathlib import Path

from lucidray.lab.ibsi1.peers.names import names_of


def nyxus_values(folder: Path) -> dict[str, float]:
    """Of the phantom in a nifti folder, by tag."""
    from nyxus import Nyxus3D

    image, mask = folder / "image" / "phantom.nii.gz", folder / "mask" / "mask.nii.gz"
    row = Nyxus3D(["*3D_ALL*"], ibsi=True).featurize_files([str(image)], [str(mask)], False).iloc[0]
    return {tag: float(row[name]) for name, tag in names_of("nyxus").items()}
