#!/usr/bin/env bash
# pnnx (ncnn's converter): a MaxPool with padding on one side alone gets a row of -3.4e38 too many where one side of the picture is even; with padding above and left it is padded twice.
#
# Guess, before it was run: at the size for which a network is converted, ncnn gives its scores, whatever the padding.
# Valid input: the files pass onnx.checker, pnnx says nothing, and onnxruntime gives what ONNX's formula says. "One pixel below and to the right" is
# how Caffe's pools, which round up, are written for runtimes that differ about ceil_mode. pnnx makes a Pad of it, and a pool with
# ceil_mode=True, which counts on from the padded map. Inside a network the row meets the next convolution: its scores are around 1e37.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
# pnnx's Python side wants PyTorch, its program does not
PIP_NO_DEPS=1 venv/bin/pip install --quiet pnnx==20261020
venv/bin/pip install --quiet ncnn==1.0.20261020 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
converter=$(echo venv/lib/python3*/site-packages/pnnx/pnnx)

cat > pool.py <<'END_OF_PYTHON'
import subprocess
import sys

import ncnn
import numpy as np
import onnx
import onnxruntime
from onnx import helper

FLOAT = onnx.TensorProto.FLOAT


def in_onnxruntime(x, pads):
    node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2], pads=pads)
    ends = [helper.make_tensor_value_info("x", FLOAT, x.shape), helper.make_tensor_value_info("y", FLOAT, ["N", "C", "H", "W"])]
    made = helper.make_model(helper.make_graph([node], "pool", ends[:1], ends[1:]), opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, "pool.onnx")
    return onnxruntime.InferenceSession("pool.onnx").run(None, {"x": x})[0][0]


def in_ncnn(x):
    shape = ",".join(map(str, x.shape))
    subprocess.run([sys.argv[1], "pool.onnx", f"inputshape=[{shape}]"], check=True, capture_output=True)
    net = ncnn.Net()
    net.load_param("pool.ncnn.param")
    net.load_model("pool.ncnn.bin")
    run = net.create_extractor()
    run.input("in0", ncnn.Mat(x[0]))
    return np.array(run.extract("out0")[1])


found = []
for (height, width), pads in (((5, 7), [0, 0, 1, 1]), ((4, 6), [0, 0, 1, 1]), ((4, 5), [0, 0, 1, 1]), ((5, 5), [1, 1, 0, 0])):
    x = -np.arange(1, height * width + 1, dtype=np.float32).reshape(1, 1, height, width)
    expected, made = in_onnxruntime(x, pads), in_ncnn(x)
    same = expected.shape == made.shape and bool((expected == made).all())
    found.append(same)
    print(f"{height}x{width}, pads {pads}: onnxruntime {expected.shape[1:]}, ncnn {made.shape[1:]}, least number {made.min():.3g}, the same: {same}")
sys.exit(found != [True, True, False, False] or float(made.min()) > -3e38)
END_OF_PYTHON
venv/bin/pip list 2>/dev/null | grep -i -e ncnn -e pnnx -e onnx
venv/bin/python pool.py "$converter"
echo "as found: rows and columns that the network does not have"
