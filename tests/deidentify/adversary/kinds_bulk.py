"""Bytes: overlays, curves, sound, documents, tables, and what lies between and behind pixels."""

import gzip
import zlib

from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless
from tests.deidentify.adversary.drafts import Draft, item, raw, sequence
from tests.deidentify.adversary.kinds import kind

_EXPLICIT_PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def _bytes(draft: Draft, place: str) -> bytes:
    return draft.planter.text(place, 12).encode()


@kind("overlays")
def _overlays(draft: Draft) -> None:
    for group in (0x6000, 0x6002, 0x601E):
        add, where = draft.dataset.add_new, f"({group:04X}"
        add(group << 16 | 0x0010, "US", 16)
        add(group << 16 | 0x0022, "LO", draft.planter.text(f"{where},0022)"))
        add(group << 16 | 0x1500, "LO", draft.planter.text(f"{where},1500)"))
        add(group << 16 | 0x3000, "OW", _bytes(draft, f"{where},3000)"))
        add(group << 16 | 0x4000, "LT", draft.planter.text(f"{where},4000)"))


@kind("curves and sound")
def _curves(draft: Draft) -> None:
    for number, vr in ((0x0022, "LO"), (0x0030, "SH"), (0x0040, "SH"), (0x2500, "LO"), (0x4000, "LT")):
        draft.dataset.add_new(0x5000 << 16 | number, vr, draft.planter.text(f"(5000,{number:04X})"))
    for number in (0x3000, 0x200C):  # curve, audio sample data
        draft.dataset.add_new(0x5002 << 16 | number, "OW", _bytes(draft, f"(5002,{number:04X})"))


@kind("icon images")
def _icons(draft: Draft) -> None:
    icon = item(Rows=2, Columns=6, BitsAllocated=8, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2")
    icon.add_new("PixelData", "OB", _bytes(draft, "PixelData"))
    icon.ImageComments = draft.planter.text("ImageComments")
    draft.dataset.IconImageSequence = sequence(icon)


@kind("waveforms")
def _waveforms(draft: Draft) -> None:
    wave = item(MultiplexGroupLabel=draft.planter.text("MultiplexGroupLabel"), WaveformBitsAllocated=8)
    wave.add_new("WaveformData", "OB", _bytes(draft, "WaveformData"))
    wave.ChannelDefinitionSequence = sequence(item(ChannelLabel=draft.planter.text("ChannelLabel")))
    draft.dataset.WaveformSequence = sequence(wave)
    draft.dataset.WaveformAnnotationSequence = sequence(
        item(UnformattedTextValue=draft.planter.text("UnformattedTextValue"))
    )


@kind("PDF documents")
def _pdf(draft: Draft) -> None:
    text = f"BT ({draft.planter.text('compressed')}) Tj ET".encode() * 3
    stream = b"4 0 obj << /Filter /FlateDecode >>\nstream\r\n" + zlib.compress(text) + b"\r\nendstream\n"
    author = f"/Author ({draft.planter.text('author')})".encode()
    document = b"%PDF-1.4\n" + stream + author + b"\n%%EOF\n"
    draft.dataset.SOPClassUID = _EXPLICIT_PDF
    draft.dataset.DocumentTitle = draft.planter.text("DocumentTitle")
    draft.dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    draft.dataset.SourceInstanceSequence = sequence(item(ReferencedSOPInstanceUID=draft.planter.uid("source")))
    draft.dataset.add_new("EncapsulatedDocument", "OB", document + b"\0" * (len(document) % 2))
    del draft.dataset.PixelData


@kind("documents in other formats")
def _documents(draft: Draft) -> None:
    cda = f"<ClinicalDocument><name>{draft.planter.text('CDA')}</name></ClinicalDocument>".encode()
    draft.dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.2"
    draft.dataset.add_new("EncapsulatedDocument", "OB", cda + b" " * (len(cda) % 2))
    draft.dataset.EncapsulatedDocumentLength = len(cda)
    packed = gzip.compress(draft.planter.text("gzip").encode() * 3, mtime=0)
    draft.dataset.private_block(0x0029, "ADVERSARY 1.0", create=True).add_new(
        1, "OB", packed + b"\0" * (len(packed) % 2)
    )
    del draft.dataset.PixelData


@kind("padding behind the data set")
def _padding(draft: Draft) -> None:
    draft.dataset.add_new(0xFFFCFFFC, "OB", _bytes(draft, "DataSetTrailingPadding"))


@kind("bytes behind the pixels")
def _behind_pixels(draft: Draft) -> None:
    draft.dataset["PixelData"].value += _bytes(draft, "PixelData")
    draft.is_valid = False


@kind("bytes behind the last element")
def _behind_all(draft: Draft) -> None:
    draft.tail = _bytes(draft, "tail")
    draft.is_valid = False


@kind("comments in compressed pixels")
def _comments(draft: Draft) -> None:
    comment, camera = _bytes(draft, "JPEG comment"), _bytes(draft, "EXIF")
    frame = b"\xff\xd8" + _segment(0xFE, comment) + _segment(0xE1, b"Exif\0\0" + camera) + b"\xff\xd9"
    _compress(draft, JPEGBaseline8Bit, frame)


@kind("segments and tables of no image in compressed pixels")
def _segments(draft: Draft) -> None:
    table = (_bytes(draft, "quantisation table") * 6)[:64]
    segments = _segment(0xF0, _bytes(draft, "reserved segment")) + _segment(0xDB, b"\3" + table)
    picture = (
        _segment(0xC0, bytes([8, 0, 16, 0, 16, 1, 1, 17, 0])) + _segment(0xDA, bytes([1, 1, 0, 0, 63, 0])) + bytes(8)
    )
    _compress(draft, JPEGBaseline8Bit, b"\xff\xd8" + segments + picture + b"\xff\xd9")


@kind("tables in JPEG-LS")
def _mappings(draft: Draft) -> None:
    scan = _segment(0xF7, bytes([8, 0, 16, 0, 16, 1, 1, 17, 0])) + _segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(8)
    tables = _segment(0xF8, b"\2\5\1" + _bytes(draft, "mapping table")) + _segment(0xF8, b"\4" + _bytes(draft, "sizes"))
    _compress(draft, JPEGLSLossless, b"\xff\xd8" + tables + scan + b"\xff\xd9")


@kind("unknown segments in JPEG 2000")
def _unknown_2000(draft: Draft) -> None:
    size = _segment(0x51, bytes(2) + b"\0\0\0\x10" * 2 + bytes(8) + b"\0\0\0\x10" * 2 + bytes(8) + b"\0\1\x0b\1\1")
    unknown = _segment(0x6F, _bytes(draft, "unknown segment"))
    _compress(draft, JPEG2000Lossless, b"\xff\x4f" + size + unknown + b"\xff\xd9")


@kind("comments in JPEG-LS")
def _comments_ls(draft: Draft) -> None:
    scan = _segment(0xF7, bytes([8, 0, 16, 0, 16, 1, 1, 17, 0])) + _segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(8)
    comments = _segment(0xFE, _bytes(draft, "comment")) + _segment(0xE8, b"mrfx" + _bytes(draft, "application data"))
    _compress(draft, JPEGLSLossless, b"\xff\xd8" + comments + scan + b"\xff\xd9")


@kind("comments in JPEG 2000")
def _comments_2000(draft: Draft) -> None:
    size = _segment(0x51, bytes(2) + b"\0\0\0\x10" * 2 + bytes(8) + b"\0\0\0\x10" * 2 + bytes(8) + b"\0\1\x0b\1\1")
    comment = _segment(0x64, b"\0\1" + _bytes(draft, "comment"))
    tile = (
        b"\xff\x90\0\x0a"
        + bytes(8)
        + _segment(0x64, b"\0\1" + _bytes(draft, "comment of a tile"))
        + b"\xff\x93"
        + bytes(8)
    )
    _compress(draft, JPEG2000Lossless, b"\xff\x4f" + size + comment + tile + b"\xff\xd9")


@kind("boxes around JPEG 2000")
def _boxes(draft: Draft) -> None:
    text = _bytes(draft, "XML box")
    signature, code = b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\xd9"
    xml = (8 + len(text)).to_bytes(4, "big") + b"xml " + text
    _compress(draft, JPEG2000Lossless, signature + xml + (8 + len(code)).to_bytes(4, "big") + b"jp2c" + code)


@kind("bytes behind RLE segments")
def _behind_rle(draft: Draft) -> None:
    header = (2).to_bytes(4, "little") + (64).to_bytes(4, "little") + (68).to_bytes(4, "little")
    _compress(draft, RLELossless, header.ljust(64, b"\0") + b"\x81\0" * 4 + _bytes(draft, "behind the segments"))


@kind("bytes in the offset tables of frames")
def _offsets(draft: Draft) -> None:
    draft.syntax, draft.is_valid = JPEGBaseline8Bit, False
    frame = b"\xff\xd8\xff\xd9"
    items = [_bytes(draft, "basic offset table"), frame]
    value = b"".join(b"\xfe\xff\x00\xe0" + len(each).to_bytes(4, "little") + each for each in items)
    draft.dataset.add_new("PixelData", "OB", value)
    draft.dataset["PixelData"].is_undefined_length = True
    draft.put("ExtendedOffsetTable", "OV", _bytes(draft, "extended offset table") + bytes(4))
    draft.put("ExtendedOffsetTableLengths", "OV", _bytes(draft, "its lengths") + bytes(4))


@kind("bytes between compressed frames")
def _fragments(draft: Draft) -> None:
    frame = b"\xff\xd8\xff\xd9"
    _compress(draft, JPEGBaseline8Bit, frame + _bytes(draft, "behind the frame"), frame)
    draft.dataset.NumberOfFrames = 2


def _compress(draft: Draft, syntax: UID, *frames: bytes) -> None:
    """Frames of no picture: a tool may refuse them, but not let them pass as they are."""
    draft.syntax, draft.is_valid = syntax, False
    draft.dataset.add_new("PixelData", "OB", encapsulate([frame + b"\0" * (len(frame) % 2) for frame in frames]))
    draft.dataset["PixelData"].is_undefined_length = True


def _segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + (len(content) + 2).to_bytes(2, "big") + content


@kind("look-up tables and colour profiles")
def _tables(draft: Draft) -> None:
    planter = draft.planter
    lut = item(LUTExplanation=planter.text("LUTExplanation"))
    lut.add_new("LUTData", "OW", _bytes(draft, "LUTData"))
    draft.dataset.VOILUTSequence = sequence(lut)
    modality = item(ModalityLUTType=planter.text("ModalityLUTType"))
    modality.LUTExplanation = planter.text("LUTExplanation of modality")
    draft.dataset.ModalityLUTSequence = sequence(modality)
    draft.dataset.WindowCenter, draft.dataset.WindowWidth = "40", "400"
    draft.dataset.WindowCenterWidthExplanation = planter.text("WindowCenterWidthExplanation")
    draft.dataset.add_new("ICCProfile", "OB", b"desc" + _bytes(draft, "ICCProfile"))
    draft.dataset.ColorSpace = planter.text("ColorSpace")
    draft.dataset.add_new("RedPaletteColorLookupTableData", "OW", _bytes(draft, "RedPaletteColorLookupTableData"))


@kind("text in UTF-16")
def _wide(draft: Draft) -> None:
    draft.dataset.add_new(0x00291010, "UN", draft.planter.text("(0029,1010)").encode("utf-16-le"))
    draft.put("RescaleType", "UN", draft.planter.text("RescaleType").encode("utf-16-le"))


@kind("numeric attributes of bytes")
def _binary(draft: Draft) -> None:
    """VRs whose length nobody checks: floats and words that spell a name."""
    draft.put("LargestImagePixelValue", "OB", _bytes(draft, "LargestImagePixelValue"))
    draft.put("PixelPaddingValue", "OB", _bytes(draft, "PixelPaddingValue"))
    draft.put("RevolutionTime", "OB", _bytes(draft, "RevolutionTime"))
    draft.put("DoubleFloatRealWorldValueFirstValueMapped", "OB", _bytes(draft, "DoubleFloat"))


@kind("names as lists of numbers")
def _lists(draft: Draft) -> None:
    """As many bytes as a list of numbers may have."""
    for keyword, vr, length in (
        *(("SliceVector", "US", 12), ("AcquisitionMatrix", "US", 8), ("ReferencedFrameNumbers", "US", 10)),
        *(("SimpleFrameList", "UL", 16), ("DimensionIndexValues", "UL", 12), ("VerticesOfTheRegion", "SS", 12)),
        *(
            ("FrameIncrementPointer", "AT", 16),
            ("DiffusionGradientOrientation", "FD", 24),
            ("GridResolution", "FD", 24),
        ),
    ):
        draft.put(keyword, vr, draft.planter.text(keyword, length))
    graphic = sequence(item())
    for keyword, vr, length in (("GraphicData", "FL", 16), ("RotationPoint", "FL", 8)):
        element = raw(keyword, vr, draft.planter.text(keyword, length))
        graphic[0][element.tag] = element
    draft.dataset.GraphicAnnotationSequence = sequence(item())
    draft.dataset.GraphicAnnotationSequence[0].GraphicObjectSequence = graphic
    draft.dataset.ReferencedImageSequence = graphic


@kind("names as bytes of numbers")
def _letters(draft: Draft) -> None:
    """More bytes than the one number that the attribute holds."""
    for keyword, vr in (
        *(("RevolutionTime", "FD"), ("SpiralPitchFactor", "FD"), ("ParallelReductionFactorInPlane", "FD")),
        *(("LargestImagePixelValue", "US"), ("SmallestImagePixelValue", "SS"), ("PixelPaddingValue", "US")),
        *(("TotalNumberOfExposures", "UN"), ("DiffusionBValue", "UN"), ("ContrastBolusAgentNumber", "US")),
    ):
        draft.put(keyword, vr, draft.planter.text(keyword, 16))
