"""A virtual patient: who they are, how they are built, and the lesion that they carry."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from lucidray.core.errors import Permanent
from lucidray.phantom.anatomy import Anatomy, Region, build
from lucidray.phantom.lesion import Lesion, Texture
from lucidray.phantom.texture import Mottle, RandomField
from lucidray.phantom.uids import stream

# CT numbers of the viable rim and of the necrotic core of a lesion, HU.
LESION_HU = 32.0
CORE_HU = 18.0

_FAMILY = "PHANTOM"


@dataclass(frozen=True)
class Demographics:
    """What the patient module of every object says."""

    name: str
    patient_id: str
    birth_date: date
    sex: str
    height_m: float
    weight_kg: float


@dataclass(frozen=True)
class VirtualPatient:
    """A body and a lesion as functions of position, which any scanner can sample."""

    seed: int
    demographics: Demographics
    anatomy: Anatomy
    lesion: Lesion
    unevenness: Mottle

    @classmethod
    def from_seed(
        cls,
        seed: int,
        *,
        region: Region = "thigh",
        lesion_volume_ml: float | None = None,
        lesion_suv: float | None = None,
        texture: Texture | None = None,
    ) -> "VirtualPatient":
        """Draw the patient of this seed.

        Parameters
        ----------
        region
            Which part of the body is scanned.
        lesion_volume_ml
            Volume of the lesion, ml; drawn from 25 to 70 (thigh) or 12 to 40 (thorax) when None.
        lesion_suv
            Mean SUV of the lesion; drawn from 5 to 11 when None.
        texture
            How uptake varies inside the lesion; drawn when None.

        Raises
        ------
        Permanent
            A lesion of that volume does not fit into the body, or a value is not positive.
        """
        person = _demographics(seed)
        build_factor = float(np.clip(np.sqrt(person.weight_kg / person.height_m**2 / 25.0), 0.9, 1.08))
        anatomy = build(region, stream(seed, "anatomy", region), build_factor)
        rng = stream(seed, "lesion", region)
        drawn = (rng.uniform(25, 70) if region == "thigh" else rng.uniform(12, 40), rng.uniform(5, 11))
        volume, suv = lesion_volume_ml or drawn[0], lesion_suv or drawn[1]
        if volume <= 0 or suv <= 0:
            raise Permanent("virtual lesion", "volume and SUV must be positive", "give positive values")
        lesion = _lesion(rng, anatomy, float(volume), float(suv), texture)
        if not anatomy.host.contains(lesion.surface()).all():
            raise Permanent(
                f"virtual lesion of {volume:g} ml", f"does not fit into the {region} of seed {seed}", "ask for less"
            )
        return cls(seed, person, anatomy, lesion, Mottle.draw(stream(seed, "unevenness"), 16.0))


def _demographics(seed: int) -> Demographics:
    rng = stream(seed, "person")
    sex = str(rng.choice(("F", "M")))
    height = round(float(rng.normal(1.66 if sex == "F" else 1.78, 0.06)), 2)
    body_mass_index = float(np.clip(rng.normal(25.0, 3.0), 19.0, 33.0))
    return Demographics(
        name=f"{_FAMILY}^SEED{seed}",
        patient_id=f"PH{seed:06d}",
        birth_date=date(1936, 1, 1) + timedelta(days=int(rng.integers(0, 60 * 365))),
        sex=sex,
        height_m=height,
        weight_kg=round(body_mass_index * height**2, 1),
    )


def _lesion(rng: np.random.Generator, anatomy: Anatomy, volume: float, suv: float, texture: Texture | None) -> Lesion:
    proportions = rng.uniform(0.88, 1.15, 3) * (0.9, 0.9, 1.2)
    radius = (volume * 1000.0 * 3.0 / (4.0 * np.pi * np.prod(proportions))) ** (1.0 / 3.0)
    a, b, c = (float(value) for value in proportions * radius)
    texture = texture or Texture(
        heterogeneity=float(rng.uniform(0.15, 0.35)),
        correlation_length=float(rng.uniform(5.0, 10.0)),
        core=float(rng.uniform(0.35, 0.65)),
        core_uptake=float(rng.uniform(0.2, 0.5)),
    )
    return Lesion(
        centre=anatomy.site,
        semi_axes=(a, b, c),
        suv_mean=suv,
        texture=texture,
        field=RandomField.draw(rng, texture.correlation_length),
        lobes=int(rng.integers(3, 6)),
        lobe_depth=float(rng.uniform(0.12, 0.25)),
        phase=float(rng.uniform(0, 2 * np.pi)),
        bend=(float(rng.uniform(-0.2, 0.2) * a), float(rng.uniform(-0.2, 0.2) * b)),
    )
