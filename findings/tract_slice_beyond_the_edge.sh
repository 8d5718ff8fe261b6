#!/usr/bin/env bash
# tract refuses an ONNX Slice that ends beyond the edge of a map of any size: FCN's crops of one map to another's size work at multiples of the stride alone.
#
# Guess, before it was run: tract takes pictures of any size, as onnxruntime does, for it keeps sizes as symbols.
# Valid input: ONNX says of Slice that an end larger than the axis means the end of the axis. A network that joins two maps, one of which may be
# a row higher, crops each to the size of the other. Where the file fixes the map's size and the end, tract clips, as ONNX says; where the map may have
# any size it refuses even an end that stands in the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet tract==0.23.9 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

cat > crop.py <<'END_OF_PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import tract
from onnx import helper, numpy_helper

FLOAT = onnx.TensorProto.FLOAT


def written(end, size):
    """x cut to the rows and columns of `like`, or to an end that stands in the file. `size`: of x, where the file fixes it."""
    constants = {"axes": [2, 3], "start": [0, 0]} | ({"end": end} if end else {})
    nodes = [helper.make_node("Slice", ["x", "start", "end", "axes"], ["y"])]
    if not end:
        nodes = [
            helper.make_node("Shape", ["like"], ["shape"]),
            helper.make_node("Gather", ["shape", "axes"], ["end"], axis=0),
            *nodes,
        ]
    ends = [helper.make_tensor_value_info(name, FLOAT, [1, 1, f"{name}_h", f"{name}_w"]) for name in ("x", "like", "y")]
    if size:
        ends[0] = helper.make_tensor_value_info("x", FLOAT, [1, 1, *size])
    arrays = [numpy_helper.from_array(np.array(numbers), name) for name, numbers in constants.items()]
    graph = helper.make_graph(nodes, "crop", ends[: 1 if end else 2], ends[2:], arrays)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, "crop.onnx")


def shape_in_tract(inputs):
    runnable = tract.onnx().load("crop.onnx").into_model().into_runnable()
    try:
        return runnable.run(list(inputs.values()))[0].to_numpy().shape[2:]
    except Exception as error:
        return next(line.strip() for line in str(error).splitlines() if "Invalid range" in line).split(" for ")[0]


found = []
for x, like, end, fixed in (
    ((6, 8), (4, 5), None, False), ((4, 8), (6, 5), None, False), ((4, 8), None, [6, 5], False), ((4, 8), None, [6, 5], True),
):
    written(end, x if fixed else None)
    inputs = {"x": np.zeros((1, 1, *x), np.float32)} | ({} if end else {"like": np.zeros((1, 1, *like), np.float32)})
    expected = onnxruntime.InferenceSession("crop.onnx").run(None, inputs)[0].shape[2:]
    found.append((expected, shape_in_tract(inputs)))
    size = "of a fixed size" if fixed else "of any size"
    print(f"{x}, {size}, cut to {f'the size of {like}' if like else end}: onnxruntime {expected}, tract {found[-1][1]}")
sys.exit(found != [((4, 5), (4, 5)), ((4, 5), "Invalid range 0..6"), ((4, 5), "Invalid range 0..6"), ((4, 5), (4, 5))])
END_OF_PYTHON
venv/bin/pip list 2>/dev/null | grep -i -e tract -e onnx
venv/bin/python crop.py
echo "as found: what is cut to a larger map's size is refused"
