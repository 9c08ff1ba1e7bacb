"""Objects whose pixels show a name: what their headers say of it, and what they do not say."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw
from tests.deidentify.adversary.drafts import Draft, draft
from tests.deidentify.adversary.planter import Planter

SIZE = 192  # pixels, both ways
_BOX = (16, 20, 176, 36)  # left, top, right, bottom of the text
_ULTRASOUND, _CAPTURE = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.7"
_CT = "1.2.840.10008.5.1.4.1.1.2"


def burned_drafts(seed: str) -> Iterator[Draft]:
    """One of each kind of object with text in its pixels."""
    for name, sop_class, image_type, changes in (
        ("ultrasound", _ULTRASOUND, ["ORIGINAL", "PRIMARY"], {"Modality": "US"}),
        ("secondary capture", _CAPTURE, ["DERIVED", "SECONDARY"], {"ConversionType": "WSD"}),
        ("screen save", _CT, ["DERIVED", "SECONDARY", "SCREEN SAVE"], {}),
        ("declared", _CT, ["ORIGINAL", "PRIMARY", "AXIAL"], {"BurnedInAnnotation": "YES"}),
        ("denied", _CT, ["DERIVED", "PRIMARY", "AXIAL"], {"BurnedInAnnotation": "NO"}),
    ):
        planter = Planter(f"{seed}/burned", f"burned in: {name}")
        made = draft(planter)
        made.dataset.SOPClassUID, made.dataset.ImageType = sop_class, image_type
        for keyword, value in changes.items():
            setattr(made.dataset, keyword, value)
        made.dataset.SeriesInstanceUID = planter.uid("SeriesInstanceUID")  # a series goes with a slice that shows text
        made.dataset.InstanceNumber = 1  # the slice of a series that is looked at wherever slices are sampled
        made.dataset.Rows = made.dataset.Columns = SIZE
        made.dataset["PixelData"].value = _pixels(planter).tobytes()
        made.shows_text = True
        yield made


def _pixels(planter: Planter) -> np.ndarray:
    """A noisy slice with a name in it, (rows, columns) of 12 bits."""
    noise = np.random.default_rng(planter.random.randrange(2**32)).normal(1000, 40, (SIZE, SIZE))
    canvas = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(canvas).text(_BOX[:2], f"{planter.word(7)}, {planter.word(5)}", fill=255)
    return np.where(np.asarray(canvas) > 127, 4095, noise).astype("<u2")


def text_box(pixels: bytes) -> np.ndarray:
    """The part of the pixels in which the text is."""
    left, top, right, bottom = _BOX
    return np.frombuffer(pixels, "<u2").reshape(SIZE, SIZE)[top:bottom, left:right]


def legible(before: bytes, after: bytes) -> bool:
    """Whether the letters still stand out: most of their pixels are as bright as they were, most others are not."""
    if len(after) != len(before):
        return False
    letters = text_box(before) == 4095
    now = text_box(after)
    return bool(now[letters].mean() > now[~letters].mean() + 1000)
