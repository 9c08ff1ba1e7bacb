"""Which objects may come in: by SOP class, and by what tells that their pixels may carry burned-in text.

BurnedInAnnotation is believed when it says YES, and never when it says NO.
"""

import re

from pydicom import Dataset
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag
from pydicom.uid import UID

from lucidray.core.errors import Permanent, Refused
from lucidray.deidentify.elements import UNDEFINED_LENGTH, text_of

# Acquired by a cross-sectional scanner, which writes no text into its pixels.
IMAGE_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.2",  # CT
        "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT
        "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT
        "1.2.840.10008.5.1.4.1.1.4",  # MR
        "1.2.840.10008.5.1.4.1.1.4.1",  # Enhanced MR
        "1.2.840.10008.5.1.4.1.1.4.4",  # Legacy Converted Enhanced MR
        "1.2.840.10008.5.1.4.1.1.128",  # PET
        "1.2.840.10008.5.1.4.1.1.130",  # Enhanced PET
        "1.2.840.10008.5.1.4.1.1.128.1",  # Legacy Converted Enhanced PET
    }
)
DERIVED_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.481.2",  # RT Dose
        "1.2.840.10008.5.1.4.1.1.66.4",  # Segmentation
        "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation
    }
)
PIXELLESS_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.481.3",  # RT Structure Set
        "1.2.840.10008.5.1.4.1.1.66.1",  # Spatial Registration
        "1.2.840.10008.5.1.4.1.1.67",  # Real World Value Mapping
    }
)
# Pictures on which devices and people write as a matter of course. They come in only with their pixels cleaned.
# Photographs are not among them: they show faces and skin, and blanking text does not change that.
WRITTEN_ON_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.6.1",  # Ultrasound
        "1.2.840.10008.5.1.4.1.1.3.1",  # Ultrasound Multi-frame
        "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.2",  # Multi-frame Grayscale Byte Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.3",  # Multi-frame Grayscale Word Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.4",  # Multi-frame True Color Secondary Capture
        "1.2.840.10008.5.1.4.1.1.1",  # Computed Radiography
        "1.2.840.10008.5.1.4.1.1.1.1",  # Digital X-Ray, for presentation
        "1.2.840.10008.5.1.4.1.1.1.1.1",  # Digital X-Ray, for processing
        "1.2.840.10008.5.1.4.1.1.1.2",  # Mammography, for presentation
        "1.2.840.10008.5.1.4.1.1.1.2.1",  # Mammography, for processing
        "1.2.840.10008.5.1.4.1.1.12.1",  # X-Ray Angiography
        "1.2.840.10008.5.1.4.1.1.12.2",  # X-Ray Radiofluoroscopy
        "1.2.840.10008.5.1.4.1.1.20",  # Nuclear Medicine
    }
)
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData", "PixelDataProviderURL")

# Screen saves, dose sheets, reports and curves that scanners file under the SOP class of their images.
_WITH_TEXT = re.compile(
    r"SCREEN|CAPTURE|DOSE|REPORT|PROTOCOL|SUMMARY|PASTED|GRAPH|CHART|TABLE|HISTOGRAM|CURVE|PLOT|TEXT"
)
# Terms of BodyPartExamined (PS3.16 annex L), and beginnings of them, of which a rendering may show a face.
_HEAD = re.compile(
    r"(HEAD|BRAIN|SKULL|FACE|FACIAL|NECK|ORBIT|PARANASAL|SINUS|MAXILLA|MANDIBLE|MOUTH|TONGUE|PAROTID|SALIVARY|"
    r"PITUITARY|ZYGOMA|CIRCLEOFWILLIS|WHOLE ?BODY)|(EYE|EAR|NOSE|JAW|TMJ|IAC|SELLA|TEETH|TOOTH|CAROTID)S?$"
)
_DIGITISED = frozenset({"DV", "DI", "DF", "SD", "SI"})  # ConversionType: from video, a display, film, a document
REMEDY = "leave it out of the workflow's inputs, or let its pixels be cleaned: parameter `pixels: clean` of the step"


def check_class(dataset: Dataset, thing: str) -> None:
    """Let an object in as it is, or not.

    Raises
    ------
    Refused
        Its kind, or what it says of its pixels, does not exclude burned-in text. `thing` names it.
    """
    cause = written_on(dataset, thing)
    if cause:
        raise Refused(thing, f"its pixels may show identity: {cause}", REMEDY)


def written_on(dataset: Dataset, thing: str) -> str:
    """Why the pixels of an object may show text; empty if nothing speaks for it.

    Raises
    ------
    Refused
        It is of a kind that never comes in. `thing` names it.
    """
    sop_class = text_of(dataset, Tag("SOPClassUID"))
    if sop_class in DERIVED_CLASSES | PIXELLESS_CLASSES:
        return ""
    if sop_class in IMAGE_CLASSES:
        return _text_in_pixels(dataset)
    name = UID(sop_class).name
    known = "an unregistered one" if name == sop_class else f"'{name}'"
    if sop_class in WRITTEN_ON_CLASSES:
        return f"objects of its SOP class ({known}) carry burned-in text as a matter of course"
    raise Refused(thing, f"objects of its SOP class ({known}) may show or hold identity", REMEDY)


def check_head(dataset: Dataset, thing: str) -> None:
    """Keep pictures back that show a face, or a rendering of which may.

    Raises
    ------
    Refused
        The object shows a head, or does not say which part of the body it shows.
    """
    if text_of(dataset, Tag("SOPClassUID")) in DERIVED_CLASSES | PIXELLESS_CLASSES:
        return
    part = text_of(dataset, Tag("BodyPartExamined")).upper()
    if not part or _HEAD.match(part):
        cause = "it shows a head" if part else "it does not say which part of the body it shows"
        raise Refused(
            thing,
            f"{cause}, and faces are not removed",
            "remove faces before, or use a profile for data that stay inside",
        )


def check_pixels(dataset: Dataset, thing: str) -> None:
    """Check that an object has the pixels of its kind, and no bytes beside them in which anything could hide.

    Raises
    ------
    Permanent
        Pixels are missing, or native pixel data is not as long as the image is large.
    Refused
        There are pixels where its kind has none.
    """
    sop_class = text_of(dataset, Tag("SOPClassUID"))
    there = [keyword for keyword in _PIXELS if Tag(keyword) in dataset]
    if sop_class in PIXELLESS_CLASSES:
        if there:
            raise Refused(thing, f"it has {there[0]}, and objects of its kind have no pixels", REMEDY)
        return
    if not there and sop_class not in IMAGE_CLASSES | DERIVED_CLASSES | WRITTEN_ON_CLASSES:
        return  # none that are let in
    if there != ["PixelData"]:
        cause = f"it has {' and '.join(there)} instead of PixelData" if there else "it is an image without pixel data"
        raise Permanent(thing, cause, "send it again, complete")
    pixels = dataset.get_item(Tag("PixelData"))
    if isinstance(pixels, RawDataElement) and pixels.length == UNDEFINED_LENGTH:
        return  # encapsulated
    length, expected = _length(pixels), _native_length(dataset)
    if length not in (expected, expected + expected % 2):
        raise Permanent(
            thing, f"it has {length} bytes of pixel data, and its size asks for {expected}", "send it again, complete"
        )


def _length(pixels: DataElement | RawDataElement) -> int:
    if isinstance(pixels, RawDataElement):
        return int(pixels.length)
    return len(pixels.value or b"")


def _native_length(dataset: Dataset) -> int:
    rows, columns, samples, bits = (
        int(text_of(dataset, Tag(keyword)) or 0) for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
    )
    frames = int(text_of(dataset, Tag("NumberOfFrames")) or 1)
    return (rows * columns * samples * frames * bits + 7) // 8


def _text_in_pixels(dataset: Dataset) -> str:
    if _WITH_TEXT.search(text_of(dataset, Tag("ImageType")).upper()):
        return "ImageType says that it is a screen save, report or curve"
    if text_of(dataset, Tag("BurnedInAnnotation")).upper() == "YES":
        return "BurnedInAnnotation is YES"
    if text_of(dataset, Tag("ConversionType")).upper() in _DIGITISED:
        return "ConversionType says that it was digitised from film, video or paper"
    if text_of(dataset, Tag("PhotometricInterpretation")).upper() not in ("MONOCHROME1", "MONOCHROME2", ""):
        return "it is in colour, so it is a rendering"
    if any(_embedded_overlay(dataset, group) for group in range(0x6000, 0x6020, 2)):
        return "it has an overlay in unused bits of its pixels"
    return ""


def _embedded_overlay(dataset: Dataset, group: int) -> bool:
    """Whether overlay planes lie in PixelData (retired, PS3.3 C.9.2 of 2004), where removing 60xx does not reach."""
    return Tag(group, 0x0100) in dataset and Tag(group, 0x3000) not in dataset
