"""What some tests need beside the README's install. A test that goes without skips with one of these; the end of a run counts them."""

import os
from pathlib import Path

DATA = Path(os.environ.get("MINIFCN_DATA") or Path(__file__).parents[2] / "shared" / "data")

PYTORCH = "needs PyTorch: pip install torch"
ONNX = "needs ONNX: pip install -e .[onnx]"
RUNTIME = "needs an ONNX runtime: pip install onnxruntime"
CUPY = "needs CuPy: pip install cupy-cuda12x"
GPU = "needs a GPU with CuPy"
COMPILER = "needs a C++ compiler: g++ or clang++"
VOC = "needs VOC: set MINIFCN_DATA to a folder with voc256 and voc500"
SQUEEZENET = "needs SqueezeNet's weights: set MINIFCN_DATA to a folder with squeezenet11"
DOCS = "needs the documentation extra: pip install -e .[docs]"
BROWSER = "needs a browser: Chromium or Chrome"
POSIX = "needs Linux or macOS"
LINUX = "needs Linux, which tells the peak of a process's memory"
PORTRAIT = "needs matplotlib's sample data"
GIT = "needs git and a clone"
STANDIN = "needs the stand-in for a GPU, which counts and refuses"
DATUMARO = "needs Datumaro: pip install datumaro==1.13.12"
LABELME = "needs labelme: pip install labelme==6.3.1"
DARWIN = "needs darwin-py: pip install darwin-py==3.6.3"
FORMATS = "needs the readers of other formats: pip install -e .[formats]"
TOOLS = "needs the tools that write label files: pip install -e .[formats-test]"
H5PY = "needs h5py: pip install h5py"
