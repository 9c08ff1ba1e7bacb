"""z-rad, by its own pipeline: six bins, which leave the grey levels as they are, and intensities as they are."""

from pathlib import Path

_AGGREGATIONS = (
    ("2D", "AVER"),
    ("2D", "SLICE_MERG"),
    ("2.5D", "DIR_MERG"),
    ("2.5D", "MERG"),
    ("3D", "AVER"),
    ("3D", "MERG"),
)
_LEVELS = 6  # of the phantom


def zrad_values(folder: Path) -> dict[str, float]:
    """Of the phantom in a nifti folder, by tag: z-rad's names are those of the reference tables."""
    from zrad.image import Image
    from zrad.preprocessing import IntensityMaskBuilder, IVHIntensityDiscretizer, RoiData, TextureDiscretizer
    from zrad.radiomics import Radiomics

    image = Image.from_nifti(str(folder / "image" / "phantom.nii.gz"))
    mask = Image.from_nifti_mask(reference=image, mask_path=str(folder / "mask" / "mask.nii.gz"))
    region = RoiData(image=image, morphological_mask=mask)
    for step in (
        IntensityMaskBuilder(),
        TextureDiscretizer(number_of_bins=_LEVELS),
        IVHIntensityDiscretizer(method="direct"),
    ):
        region = step.apply(region)
    found: dict[str, float] = {}
    for dimension, method in _AGGREGATIONS:
        extractor = Radiomics(aggr_dim=dimension, aggr_method=method)
        found |= extractor.extract_features(roi_data=region, families="all")
    return {name: float(value) for name, value in found.items()}
