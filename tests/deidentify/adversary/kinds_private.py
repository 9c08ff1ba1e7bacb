"""Private attributes, and attributes that no dictionary knows."""

from pydicom import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from tests.deidentify.adversary.drafts import Draft, item, sequence
from tests.deidentify.adversary.kinds import kind

_GROUP, _CREATOR = 0x0029, "ADVERSARY 1.0"


def _implicit_item(name: str) -> bytes:
    """An encoded item with a person's name: what private elements of VR UN often hold (PS3.5 6.2.2)."""
    value = name.encode().ljust((len(name) + 1) // 2 * 2)
    element = b"\x10\x00\x10\x00" + len(value).to_bytes(4, "little") + value
    return b"\xfe\xff\x00\xe0" + len(element).to_bytes(4, "little") + element


@kind("private creators")
def _creators(draft: Draft) -> None:
    draft.dataset.private_block(0x0009, draft.planter.text("0009 creator"), create=True).add_new(1, "LO", "1")
    draft.dataset.add_new(0x00290011, "LO", draft.planter.text("0029 creator without elements"))


@kind("private values of every VR")
def _every_vr(draft: Draft) -> None:
    block, planter = draft.dataset.private_block(_GROUP, _CREATOR, create=True), draft.planter
    for number, vr in enumerate(("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"), 1):
        block.add_new(number, vr, planter.text(vr))
    for number, vr in enumerate(("OB", "OW", "UN"), 0x20):
        block.add_new(number, vr, planter.text(vr, 12).encode())
    block.add_new(0x30, "PN", planter.name("PN"))
    block.add_new(0x31, "UI", planter.uid("UI"))
    block.add_new(0x32, "DA", planter.date("DA"))
    block.add_new(0x33, "DT", planter.date("DT") + "101112")
    block.add_new(0x34, "DS", planter.decimal("DS"))
    block.add_new(0x35, "IS", planter.number("IS"))


@kind("private values without a creator")
def _orphans(draft: Draft) -> None:
    draft.dataset.add_new(0x00131010, "LO", draft.planter.text("(0013,1010)"))
    draft.dataset.add_new(0x00151020, "PN", draft.planter.name("(0015,1020)"))
    draft.dataset.add_new(0x7FE31030, "UN", draft.planter.text("(7FE3,1030)", 12).encode())


@kind("private numbers outside every block")
def _outside_blocks(draft: Draft) -> None:
    for element in (0x0001, 0x0002, 0x00FF):  # below the numbers of blocks (PS3.5 7.8.1)
        draft.dataset.add_new(0x0029 << 16 | element, "LO", draft.planter.text(f"(0029,{element:04X})"))


@kind("private sequences")
def _sequences(draft: Draft) -> None:
    block = draft.dataset.private_block(_GROUP, _CREATOR, create=True)
    inner = item(PatientName=draft.planter.name("deep name"), ImageComments=draft.planter.text("deep comment"))
    block.add_new(1, "SQ", sequence(item(ReferencedStudySequence=())))
    block.add_new(2, "SQ", sequence(item(PatientID=draft.planter.text("ID"))))
    block[2].value[0].add_new("RequestAttributesSequence", "SQ", sequence(inner))


@kind("private values in items that are kept", "PT")
def _in_items(draft: Draft) -> None:
    drug = draft.dataset.RadiopharmaceuticalInformationSequence[0]
    for dataset in (drug, drug.RadionuclideCodeSequence[0]):
        dataset.private_block(_GROUP, _CREATOR, create=True).add_new(1, "LO", draft.planter.text("in item"))
    drug.add_new(0x00131010, "LO", draft.planter.text("in item, without creator"))


@kind("private values of known scanner creators", "MR")
def _known_creators(draft: Draft) -> None:
    """Creators of PS3.15 Table E.3.10-1, whose values a tool may keep: with identity in them."""
    planter = draft.planter
    for group, creator, number, vr in (
        (0x0043, "GEMS_PARM_01", 0x39, "LO"),
        (0x0019, "SIEMENS MR HEADER", 0x0C, "LO"),
        (0x2001, "Philips Imaging DD 001", 0x03, "LO"),
        (0x7053, "Philips PET Private Group", 0x00, "LO"),
        (0x0019, "GEMS_ACQU_01", 0x23, "LO"),
        (0x01F1, "ELSCINT1", 0x26, "LO"),
    ):
        block = draft.dataset.private_block(group, creator, create=True)
        block.add_new(number, vr, planter.text(creator))


@kind("private values in scanner headers", "MR")
def _csa(draft: Draft) -> None:
    csa = b"SV10\4\3\2\1" + draft.planter.name("CSA").encode().ljust(64, b"\0")
    draft.dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", csa)
    draft.dataset.private_block(0x0051, "SIEMENS MR HEADER", create=True).add_new(
        0x0F, "LO", draft.planter.text("coil")
    )


@kind("private sequences encoded as UN")
def _unknown_vr(draft: Draft) -> None:
    content = _implicit_item(draft.planter.name("name in UN"))
    draft.dataset.private_block(_GROUP, _CREATOR, create=True).add_new(0x21, "UN", content)
    draft.dataset.add_new(0x00189FF3, "UN", _implicit_item(draft.planter.name("name in unknown UN")))


@kind("unknown elements of known groups")
def _unknown_elements(draft: Draft) -> None:
    for tag in (0x00080999, 0x00101FFE, 0x00189FFE, 0x0020FFFE, 0x0028FFF0, 0x00540FFE):
        draft.dataset.add_new(tag, "LO", draft.planter.text(f"({tag >> 16:04X},{tag & 0xFFFF:04X})"))


@kind("unknown groups")
def _unknown_groups(draft: Draft) -> None:
    for tag in (0x000A0010, 0x00420FFE, 0x30FE0010, 0x77760010, 0xFFFA0010):
        draft.dataset.add_new(tag, "UN", draft.planter.text(f"({tag >> 16:04X},{tag & 0xFFFF:04X})", 12).encode())
    draft.dataset.add_new(0x77760020, "LO", draft.planter.text("(7776,0020)"))


@kind("unknown attributes in implicit VR")
def _unknown_implicit(draft: Draft) -> None:
    draft.syntax = ImplicitVRLittleEndian
    draft.dataset.add_new(0x00189FF5, "LO", draft.planter.text("(0018,9FF5)"))
    draft.dataset.add_new(0x00291010, "LO", draft.planter.text("(0029,1010)"))
    inner = Dataset()
    inner.PatientName = draft.planter.name("(0018,9FF6) item")
    draft.dataset.add_new(0x00189FF6, "SQ", sequence(inner))


@kind("retired identifying attributes")
def _retired(draft: Draft) -> None:
    for tag, vr in ((0x00084000, "LT"), (0x00204000, "LT"), (0x40000010, "LT"), (0x40080042, "LO")):
        draft.dataset.add_new(tag, vr, draft.planter.text(f"({tag >> 16:04X},{tag & 0xFFFF:04X})"))
