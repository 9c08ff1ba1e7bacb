"""What scanners write about themselves stays, whatever the site's key: a label for it would set sites apart.

The values are those that scanners of these makers write into these attributes.
"""

import pytest
from pydicom.tag import Tag
from tests.deidentify.objects import KEYS

from lucidray.deidentify.profile import load_profile
from lucidray.deidentify.rules import Rulebook
from lucidray.deidentify.text import is_term
from lucidray.deidentify.values import checked_text

WORDS = {
    "Manufacturer": """
        SIEMENS | Siemens Healthineers | GE MEDICAL SYSTEMS | Philips | Philips Medical Systems | TOSHIBA
        CANON_MEC | UIH | CPS | Agfa-Gevaert AG | Bruker BioSpin MRI GmbH | SIEMENS / MIM Software | Mediso
        Hitachi Medical Corporation
    """,
    "ManufacturerModelName": """
        Biograph128_Vision 600 | Biograph64_Vision 450 | Biograph128_Vision Quadra Edge | Biograph128_mCT
        Biograph64_mCT | Biograph40_mCT 4R | Biograph_mMR | Biograph64_TruePoint | Biograph 64
        Biograph mCT Flow 20 | 1023 | 1080 | 1094 | SOMATOM go.Top | SOMATOM go.All | SOMATOM go.Now
        SOMATOM Definition AS+ | SOMATOM Definition Flash | SOMATOM Force | SOMATOM X.cite | NAEOTOM Alpha
        Sensation 64 | Emotion 16 | Symbia Intevo | Symbia T16 | Encore2 | MAGNETOM Sempra | MAGNETOM Vida
        MAGNETOM Sola | MAGNETOM_ESSENZA | TrioTim | SymphonyTim | Prisma_fit | Skyra | Signa HDxt | SIGNA EXCITE
        SIGNA PET/MR | SIGNA Premier | DISCOVERY MR750 | DISCOVERY MR750w | Optima MR450w | Discovery MI
        Discovery STE | Discovery 690 | Discovery CT750 HD | Optima CT660 | Revolution EVO | Revolution Apex
        LightSpeed16 | LightSpeed VCT | LightSpeed QX/i | LightSpeed Pro 16 | BrightSpeed | HiSpeed NX/i
        Brilliance16 | Brilliance 64 | iCT 256 | IQon - Spectral CT | Mx8000 IDT 16 | Ingenuity TF PET/CT
        GEMINI TF TOF 16 | Guardian Body(C) | Vereos PET/CT | Achieva | Achieva dStream | Ingenia Ambition X
        Intera | BrightView XCT | Aquilion | Aquilion ONE | Aquilion PRIME | Cartesion Prime | Vantage Titan
        uMI 780 | uEXPLORER | uCT 760 | EPIQ 5G
    """,
    "SoftwareVersions": """
        syngo MR B17 | syngo MR E11 | syngo MR XA20 | syngo CT VA48A | syngo CT 2012B | SOMARIS/7 syngo CT VA50A
        VG60A | VG80B | syngo MI.PET/CT 2012A | 07MW18.4 | dm09_hl2sp1.23 | gmp_vct.42 | revo_ct_22bc.50
        pet_coreload.44 | 36.14 | MR Software release:DV26.0_R03_1831.b | LightSpeedverrel | 5.3.1 | 5.3.1.3
        V10.06ER005 | c25_1008 | ParaVision Acquisition 5.1
    """,
    "ConvolutionKernel": """
        B30f | B31s | B70f | H31s | I31f | Br40d | Br38f | Bl57d | Hr64 | Qr40 | Bv49d | STANDARD | SOFT | LUNG
        BONEPLUS | CHST | DETAIL | EDGE | HD LUNG | A | B | C | D | L | YA | YB | YC | UA | UB | EA | EB | EC | SA
        SB | SC | CA | CB | XCA | XCB | IMR1 | FC08 | FC18 | FC51 | FL04 | XYZ Gauss5.00 | XYZ Gauss2.00
        XYZ GAUSSIAN5.00 | XYZG=7.00 | XYZAll Pass0.00 | All-pass | B_SOFT_B | B_SHARP_C
    """,
    "ReconstructionMethod": """
        OSEM3D 4i8s | OSEM 2i8s | OSEM2D 4i8s | OP-OSEM4i8s | OP-OSEM4i21s | OSEM3D+TOF 3i21s | PSF 2i21s
        PSF+TOF 2i21s | PSF+TOF 4i5s | TrueX+TOF 2i21s | VPFX | VPFXS | VPHD | VPHDS | VPFX-S | QCFX | QCHD | 3D IR
        BLOB-OS-TF | LOR-RAMLA | 3D-RAMLA | FORE IT | FORE FBP | Filtered Back Projection | OSEM
    """,
    "SequenceName": """
        *ep_b1000t | *ep_b50t | *ep_b0 | *ep_b800#1 | *epfid2d1_64 | *epse2d1_96 | *tfl3d1_ns | *tfl3d1_16ns
        *tse2d1_15 | *tseR2d1_17 | *fl2d1 | *fl3d2 | *spc_282ns | *spcir_192ns | *spcR_44ns | *tir2d1_16
        *tir2d1rr16 | *swi3d1r | *h2d1_192 | *tfi2d1_14 | *se2d1 | *fm2d2 | TSE | T1FFE
    """,
    "PulseSequenceName": "*epfid2d1_64 | FLASH (pvm) | EFGRE3D | FSE-XL | epi_dwi",
    "FilterType": """
        FLAT | WEDGE | WEDGE_3 | Wedge_2 | BODY FILTER | HEAD FILTER | MEDIUM FILTER | LARGE BOWTIE | 0 | NONE
    """,
    "ReceiveCoilName": """
        HeadNeck_64_CS | HeadNeck_20 | Spine_18 | Spine_32 | Body_18 | SENSE-Head-8 | SENSE-XL-Torso | HeadMatrix
        MULTI COIL | Q-BODY | HNS Head | C:HEA;HEP | BO1,2;SP2-4
    """,
    "AttenuationCorrectionMethod": "CT-derived mu-map | measured,, 0.096000 cm-1, | CTAC | MR-derived mu-map | NONE",
    "ScatterCorrectionMethod": "Model-based | Convolution subtraction | SS-SIMUL | Model Based | Absolute Scaled",
    "Radiopharmaceutical": """
        FDG -- fluorodeoxyglucose | Fluorodeoxyglucose F^18^ | 18F-FDG | F-18 PSMA-1007 | Ga-68 PSMA-11
        68Ga-DOTATATE | Tc-99m MDP | Solution
    """,
    "ContrastBolusAgent": """
        Ultravist 370 | OMNIPAQUE 350 | Omnipaque350 | Visipaque 320 | ISOVUE-370 | Iomeron 400 | Gadovist 7.5 ml
        APPLIED | 10ML MULTIHANCE | ORAL & IV
    """,
    "RescaleType": "HU | US | OD REL | BQML | normalized",
}  # fmt: skip
TERMS = {
    "ScanOptions": """
        FILTERED_GEMS | ACC_GEMS | EDR_GEMS | SAT_GEMS | FAST_GEMS | CL_GEMS | FC_SLICE_AX_GEMS | FC_FREQ_AX_GEMS
        PFF | PFP | NPW | FS | SP | CG | RG | PER | SAT1 | HELICAL MODE | AXIAL MODE | SCOUT MODE | CINE MODE
        HELIX
    """,
    "SequenceVariant": "SK | SP | MP | OSP | SS | TRSS | MTC | NONE",
    "ImageType": """
        ORIGINAL | DERIVED | PRIMARY | SECONDARY | AXIAL | LOCALIZER | CT_SOM5 SPI | CT_SOM5 SPI DUAL | CT_SOM7 SPI
        M_FFE | FFE | NORM | DIS2D | MFSPLIT | MOSAIC | ND | SCREEN SAVE | PERFUSION | NON_PARALLEL
    """,
    "CorrectedImage": "DECY | ATTN | SCAT | DTIM | RAN | RADL | DCAL | SLSENS | NORM | MOTN",
}  # fmt: skip


def listed(strings: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (keyword, value.strip())
        for keyword, text in strings.items()
        for line in text.strip().splitlines()
        for value in line.split(" | ")
    ]


@pytest.mark.parametrize(("keyword", "value"), listed(WORDS))
def test_what_a_scanner_writes_stays(keyword: str, value: str) -> None:
    rule = Rulebook(load_profile("clinical-ai")).rule(int(Tag(keyword)))
    assert rule.kind == "words"
    assert checked_text(value, rule, KEYS, {"MUELLER", "47110815"}).text == value


@pytest.mark.parametrize(("keyword", "value"), listed(TERMS))
def test_what_a_scanner_writes_is_a_term(keyword: str, value: str) -> None:
    assert is_term(value), keyword
