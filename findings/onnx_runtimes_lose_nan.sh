#!/usr/bin/env bash
# A NaN that enters a network ends in a class: onnxruntime's, OpenVINO's and OpenCV's MaxPool and ArgMax leave it out, OpenVINO's Relu and Max make a number of it.
#
# Guess, before it was run: a NaN spreads, as in NumPy and PyTorch, so whoever looks at the scores sees that something is wrong.
# Valid input: float tensors may hold NaN, and the files pass onnx.checker. A picture whose normalisation divided by a deviation of 0 is such an
# input. The last column is NumPy's maximum and argmax.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 opencv-python-headless==5.0.0.93 numpy==2.4.6

cat > nan.py <<'END'
import sys

import cv2
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

X = np.array([1.0, np.nan, 2.0, 0.0], np.float32).reshape(1, 1, 2, 2)
HALF = numpy_helper.from_array(np.float32([0.5]), "half")


def save(kind, inputs, shape, element=TensorProto.FLOAT, constants=(), **options):
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape), helper.make_tensor_value_info("y", element, shape)]
    node = helper.make_node(kind, inputs, ["y"], **options)
    made = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], list(constants)), opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, "g.onnx")


def in_onnxruntime():
    return onnxruntime.InferenceSession("g.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": X})[0]


def in_openvino():
    core = openvino.Core()
    return next(iter(core.compile_model(core.read_model("g.onnx"), "CPU")([X]).values()))


def in_opencv():
    net = cv2.dnn.readNetFromONNX("g.onnx")
    net.setInput(X)
    return net.forward()


cases = {
    "MaxPool": (dict(kind="MaxPool", inputs=["x"], shape=[1, 1, 1, 1], kernel_shape=[2, 2]), X.max((2, 3))),
    "ArgMax": (dict(kind="ArgMax", inputs=["x"], shape=[1, 1, 2], element=TensorProto.INT64, axis=3, keepdims=0), X.argmax(3)),
    "Relu": (dict(kind="Relu", inputs=["x"], shape=[1, 1, 2, 2]), np.maximum(X, 0)),
    "Max": (dict(kind="Max", inputs=["x", "half"], shape=[1, 1, 2, 2], constants=[HALF]), np.maximum(X, 0.5)),
}
different = {}
print(f"input {X.ravel().tolist()}\n{'':9}{'onnxruntime':26}{'OpenVINO':26}{'OpenCV':26}NumPy")
for name, (options, expected) in cases.items():
    save(**options)
    found = [run() for run in (in_onnxruntime, in_openvino, in_opencv)]
    print(f"{name:9}" + "".join(f"{y.ravel().tolist()!s:26}" for y in (*found, expected)))
    different[name] = [not np.array_equal(y.ravel(), expected.ravel(), equal_nan=True) for y in found]
sys.exit(different != {"MaxPool": [True] * 3, "ArgMax": [True] * 3, "Relu": [False, True, False], "Max": [False, True, False]})
END
venv/bin/pip list 2>/dev/null | grep -i -e onnx -e openvino -e opencv
venv/bin/python nan.py
echo "as found: MaxPool and ArgMax lose a NaN in all three, Relu and Max in OpenVINO"
