"""Makes a bundle that embeds regions of T1 MR by a trained segmentation network: MeshNet of brainchop (MIT).

    python -m lucidray.lab.brainchop_embedding FOLDER

Reads `models/brainchop` in LUCIDRAY_DATA: convolutions dilated 1, 2, 4, 8, 16 and back that tell grey from white
matter. The layers are all as fine as the image; what grows is how far they see. A demonstration of deep features by a
real network, for no disease. Masoud et al. 2023, JOSS 8:5098.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from lucidray.lab.cohort import data_folder
from lucidray.lab.embedding.pack import with_layers
from lucidray.serving.bundle import CARD, MODEL, Bundle, write_bundle

NAME = "brainchop-tissue"
LAYERS = {"fine": "act0", "middle": "act2", "rough": "act4"}  # they see 3, 15 and 63 voxels
PATCH = (96, 96, 96)
OPSET, IR_VERSION = 18, 10

Weights = npt.NDArray[np.float32]


def make_model(folder: Path) -> bytes:
    """The network as ONNX from brainchop's `model.json` and `model.bin`: float32, kernels (z, y, x, in, out), bias."""
    layers: list[dict[str, int]] = json.loads((folder / "model.json").read_text("utf-8"))["layers"]
    weights = np.fromfile(folder / "model.bin", "<f4")
    nodes: list[Any] = []
    tensors: list[Any] = []
    source, at = "image", 0
    for number, layer in enumerate(layers):
        kernel, at = _taken(weights, at, layer)
        bias, at = weights[at : at + layer["out_channels"]], at + layer["out_channels"]
        names = f"kernel{number}", f"bias{number}"
        tensors += [numpy_helper.from_array(array, name) for array, name in zip((kernel, bias), names, strict=True)]
        same: Any = {"pads": [layer["padding"]] * 6, "dilations": [layer["dilation"]] * 3}
        nodes.append(helper.make_node("Conv", [source, *names], [f"conv{number}"], **same))
        source = f"conv{number}"
        if number < len(layers) - 1:
            nodes.append(helper.make_node("Relu", [source], [f"act{number}"]))
            source = f"act{number}"
    shape: list[str | int | None] = ["n", 1, "z", "y", "x"]
    classes: list[str | int | None] = ["n", layers[-1]["out_channels"], "z", "y", "x"]
    graph = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, classes)],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def make_bundle(folder: Path, source: Path) -> Bundle:
    """Write the bundle into `folder`; the same weights give the same bytes."""
    network = make_model(source)
    plain = write_bundle(folder, _manifest(network), {MODEL: network, CARD: _CARD.encode()})
    return with_layers(plain, folder, plain.version, LAYERS, "l2")


def _taken(weights: Weights, at: int, layer: dict[str, int]) -> tuple[Weights, int]:
    size, given, gives = layer["kernel_size"], layer["in_channels"], layer["out_channels"]
    count = size**3 * given * gives
    kernel = weights[at : at + count].reshape(size, size, size, given, gives).transpose(4, 3, 0, 1, 2)
    return np.ascontiguousarray(kernel), at + count


def _manifest(network: bytes) -> dict[str, Any]:
    output = onnx.load_model_from_string(network).graph.output[0].name
    return {
        "name": NAME,
        "version": "1.0.0",
        "kind": "segmentation",
        "title": "Grey and white matter of the brain (brainchop MeshNet)",
        "intended_use": {
            "statement": "Shows deep features by a trained segmentation network; not for care",
            "population": "T1 MR of the head, conformed to 1 mm and 0 to 255",
            "limitations": "a demonstration, for no disease",
        },
        "inputs": [{"role": "MR", "modality": "MR", "unit": "1"}],
        "grid": {"role": "MR", "spacing": [1.0, 1.0, 1.0]},
        "preprocessing": [
            {"operation": "clip", "role": "MR", "a": 0.0, "b": 255.0},
            {"operation": "scale", "role": "MR", "a": 0.0, "b": 255.0},
        ],
        "inference": {"patch": list(PATCH), "overlap": 0.5},
        "outputs": [{"name": output, "index": 1, "meaning": "White matter"}],
        "training": {"data": "not stated with the weights; see Masoud et al. 2023", "n": 0},
        "licence": "MIT",
    }


_CARD = f"""# {NAME} 1.0.0

MeshNet of brainchop (5 channels, grey and white matter), MIT licence, exported to ONNX with three of its layers as
further outputs. A demonstration of deep features; research use only, for no disease. What it was
trained on is not stated with the weights (n: 0). Masoud et al. 2023, JOSS 8:5098.
"""


def main(arguments: Sequence[str]) -> int:
    """Make the bundle in the folder that is named."""
    bundle = make_bundle(Path(arguments[0]), data_folder().parent / "models" / "brainchop" / "meshnet" / "model5_gw_ae")
    print(f"{bundle.name} {bundle.version} {bundle.digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
