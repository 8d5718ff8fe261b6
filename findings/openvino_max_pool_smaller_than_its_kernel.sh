#!/usr/bin/env bash
# OpenVINO refuses a MaxPool with ceil_mode on a map smaller than its kernel; onnxruntime and OpenCV give the maximum of what is there.
#
# Guess, before it was run: all runtimes agree here. A 2x2 pool of stride 2 that rounds up leaves one number of a 1x1 map, without any padding.
# Valid input: the file passes onnx.checker, and ONNX's own formula gives an output of 1x1. The same pool written with one pixel of padding below
# and to the right, and without ceil_mode, is taken by all three.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 opencv-python-headless==5.0.0.93 numpy==2.4.6

cat > pool.py <<'END'
import sys

import cv2
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper


def model(**options):
    node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2], **options)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, "H", "W"]) for name in ("x", "y")]
    graph = helper.make_graph([node], "pool", ends[:1], ends[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, "pool.onnx")


def in_onnxruntime(x):
    return onnxruntime.InferenceSession("pool.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def in_openvino(x):
    core = openvino.Core()
    return next(iter(core.compile_model(core.read_model("pool.onnx"), "CPU")([x]).values()))


def in_opencv(x):
    net = cv2.dnn.readNetFromONNX("pool.onnx")
    net.setInput(x)
    return net.forward()


x, refused = np.full((1, 1, 1, 1), 3.0, np.float32), []
for said, options in (("ceil_mode", {"ceil_mode": 1}), ("one pixel of padding", {"pads": [0, 0, 1, 1]})):
    model(**options)
    for run in (in_onnxruntime, in_openvino, in_opencv):
        try:
            found = run(x).ravel().tolist()
            assert found == [3.0], found
        except RuntimeError as error:
            found = "refused: " + next(line for line in str(error).splitlines() if "MaxPool" in line)[:100]
            refused.append((said, run.__name__))
        print(f"{said:22}{run.__name__:16}{found}")
sys.exit(refused != [("ceil_mode", "in_openvino")])
END
venv/bin/pip list 2>/dev/null | grep -i -e onnx -e openvino -e opencv
venv/bin/python pool.py
echo "as found: OpenVINO alone refuses, and only the form with ceil_mode"
