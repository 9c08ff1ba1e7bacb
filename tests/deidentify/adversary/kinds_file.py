"""Around the data set: file name, preamble, file meta information, encodings, character sets."""

from collections.abc import Callable

from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from tests.deidentify.adversary.drafts import Draft, item, sequence
from tests.deidentify.adversary.kinds import kind

from lucidray.deidentify.audit.identifiers import Kind

_NAMED = ("PatientName", "OtherPatientNames", "PatientBirthName", "OperatorsName", "NameOfPhysiciansReadingStudy")
_TEXTS = ("ManufacturerModelName", "SeriesDescription", "ProtocolName", "PatientComments")


@kind("preamble")
def _preamble(draft: Draft) -> None:
    draft.preamble = draft.planter.text("preamble").encode()


@kind("preamble with a TIFF header")
def _tiff(draft: Draft) -> None:
    draft.preamble = b"II*\0\x08\0\0\0" + draft.planter.text("artist").encode()


@kind("file name")
def _file_name(draft: Draft) -> None:
    draft.file_name = f"{draft.planter.name('file name')}.dcm"


@kind("file meta information")
def _meta(draft: Draft) -> None:
    planter = draft.planter
    for keyword in (
        *("SourceApplicationEntityTitle", "SendingApplicationEntityTitle", "ReceivingApplicationEntityTitle"),
        "ImplementationVersionName",
    ):
        draft.meta[keyword] = planter.text(keyword)
    draft.meta["PrivateInformationCreatorUID"] = planter.uid("PrivateInformationCreatorUID")
    draft.meta["PrivateInformation"] = planter.text("PrivateInformation", 12).encode()
    draft.meta["ImplementationClassUID"] = planter.uid("ImplementationClassUID")


@kind("transfer syntax that names somebody")
def _syntax(draft: Draft) -> None:
    draft.meta["TransferSyntaxUID"] = UID(f"1.2.{draft.planter.text('TransferSyntaxUID')}")
    draft.is_valid = False


def _encoded_as(name: str, syntax: UID) -> None:
    @kind(f"encoding: {name}", "PT")
    def _(draft: Draft) -> None:
        draft.syntax = syntax
        draft.dataset.OperatorsName = draft.planter.name("OperatorsName")
        drug = draft.dataset.RadiopharmaceuticalInformationSequence[0]
        drug.Radiopharmaceutical = draft.planter.text("Radiopharmaceutical")
        drug.PatientComments = draft.planter.text("nested PatientComments")
        draft.dataset.add_new(0x00291010, "LO", draft.planter.text("(0029,1010)"))


_encoded_as("deflated", DeflatedExplicitVRLittleEndian)
_encoded_as("big endian", ExplicitVRBigEndian)
_encoded_as("implicit", ImplicitVRLittleEndian)


@kind("undefined lengths", "PT")
def _undefined(draft: Draft) -> None:
    for element in draft.dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for each in element.value:
                each.is_undefined_length_sequence_item = True
    drug = draft.dataset.RadiopharmaceuticalInformationSequence[0]
    drug.PatientName = draft.planter.name("PatientName")
    drug.Radiopharmaceutical = draft.planter.text("Radiopharmaceutical")


@kind("unknown character set")
def _unknown_set(draft: Draft) -> None:
    draft.dataset.SpecificCharacterSet = draft.planter.text("SpecificCharacterSet")
    draft.dataset.SeriesDescription = f"CT {draft.planter.text('SeriesDescription')}"


def _letters(first: int, last: int, leave_out: str = "") -> str:
    return "".join(letter for letter in map(chr, range(first, last + 1)) if letter not in leave_out)


# Specific Character Set, letters to make names of, how many in one word.
_SETS: tuple[tuple[str, str, str, int], ...] = (
    ("Latin-1", "ISO_IR 100", _letters(0xC0, 0xFF, "×÷"), 7),
    ("Cyrillic", "ISO_IR 144", _letters(0x0410, 0x044F), 8),
    ("Arabic, UTF-8", "ISO_IR 192", _letters(0x0627, 0x063A), 7),
    ("Arabic", "ISO_IR 127", _letters(0x0627, 0x063A), 8),
    ("Chinese, GB18030", "GB18030", _letters(0x4E00, 0x9FA5), 4),
    ("Chinese, UTF-8", "ISO_IR 192", _letters(0x4E00, 0x9FA5), 4),
    ("Japanese, ISO 2022", "\\ISO 2022 IR 87", _letters(0x3041, 0x3093), 5),
    ("Korean, ISO 2022", "\\ISO 2022 IR 149", _letters(0xAC00, 0xAC03) + "김이박최정강조윤장임", 5),
    ("Greek", "ISO_IR 126", _letters(0x03B1, 0x03C9), 8),
)


def _named_in(title: str, charset: str, letters: str, length: int) -> Callable[[Draft], None]:
    @kind(f"names in {title}")
    def plant(draft: Draft) -> None:
        planter, dataset = draft.planter, draft.dataset

        def name(place: str) -> str:
            words = ("".join(planter.random.choices(letters, k=length)) for _ in range(2))
            value = "^".join(words)
            planter.given(place, value, Kind.NAME)
            return f"={value}" if "2022" in charset else value

        dataset.SpecificCharacterSet = charset.split("\\")
        for keyword in _NAMED:
            setattr(dataset, keyword, name(keyword))
        for keyword in _TEXTS:
            setattr(dataset, keyword, name(keyword).removeprefix("=").replace("^", " "))
        dataset.ContrastBolusAgentSequence = sequence(item(PatientName=name("nested PatientName")))

    return plant


for _each in _SETS:
    _named_in(*_each)


@kind("item with a character set of its own")
def _own_set(draft: Draft) -> None:
    value = "ЖЩЮЯФЪ^ЭЫЦШЧ"
    draft.planter.given("PatientName in Cyrillic", value, Kind.NAME)
    inner = item(SpecificCharacterSet="ISO_IR 144", PatientName=value, ContrastBolusAgent=value.replace("^", " "))
    draft.dataset.SpecificCharacterSet = "ISO_IR 100"
    draft.dataset.ContrastBolusAgentSequence = sequence(inner)
