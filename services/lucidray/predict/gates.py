"""When a bundle must not predict: outside its intended use, or unlike what it was trained on."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from lucidray.contracts.images import VolumeFacts
from lucidray.contracts.results import Features
from lucidray.serving.manifest import ImageInput, Manifest, OutOfDistribution


def outside_intended_use(manifest: Manifest, images: Mapping[str, VolumeFacts], features: Features) -> Iterator[str]:
    """Why the images or the way they were measured are not what the bundle is for; nothing if they are.

    Parameters
    ----------
    images
        The volumes of the case, by role.
    """
    for wanted in manifest.inputs:
        facts = images.get(wanted.role)
        if facts is None:
            yield f"there is no image of role {wanted.role}"
        else:
            yield from _image_problems(wanted, facts)
    if manifest.preset and (features.preset, features.preset_digest) != (manifest.preset.name, manifest.preset.digest):
        yield (
            f"features were measured with preset {features.preset} ({features.preset_digest[:8]}), the bundle wants "
            f"{manifest.preset.name} ({manifest.preset.digest[:8]})"
        )


def _image_problems(wanted: ImageInput, facts: VolumeFacts) -> Iterator[str]:
    if (facts.modality, facts.unit) != (wanted.modality, wanted.unit):
        yield f"{wanted.role} is {facts.modality} in {facts.unit}, not {wanted.modality} in {wanted.unit}"
    done = str(facts.scanner.get("CorrectedImage", "")).split("\\")
    if lacking := sorted(set(wanted.corrections) - set(done)):
        yield f"{wanted.role} lacks the corrections {', '.join(lacking)}"
    for axis, step, limits in zip("zyx", facts.grid.spacing, wanted.spacing_limits or (), strict=False):
        if not limits[0] <= step <= limits[1]:
            yield f"{wanted.role} has voxels of {step:.3g} mm along {axis}, outside {limits[0]:g} to {limits[1]:g} mm"


def squared_distance(state: OutOfDistribution, values: npt.NDArray[np.float64]) -> float:
    """Squared Mahalanobis distance of one case (1, inputs) from the training data (Mahalanobis 1936)."""
    difference = values[0] - np.array(state.mean)
    return float(difference @ np.array(state.precision) @ difference)
