"""NVIDIA's compiler for CUDA C, from its pip packages, called without CuPy and without a GPU."""

import ctypes
import importlib.util
import re
from pathlib import Path

PACKAGES = {12: "nvidia-cuda-nvrtc-cu12", 13: "nvidia-cuda-nvrtc"}
# what CuPy 14.2.0 adds to the options of a RawModule: cupy/cuda/compiler.py, lines 667 and 371
CUPYS_OPTIONS = ("-ftz=true", "--device-as-default-execution-space")


def libraries():
    """{12 or 13: the loaded library}, of those that are installed; both may be."""
    found = {}
    for name in ("nvidia.cuda_nvrtc", "nvidia.cu13"):
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            continue
        for folder in spec.submodule_search_locations if spec else ():
            for path in sorted(Path(folder).glob("lib/libnvrtc.so.*")):
                if major := re.fullmatch(r"libnvrtc\.so\.(\d+)", path.name):
                    found[int(major[1])] = ctypes.CDLL(str(path))
    return found


def version(nvrtc):
    """Such as (12, 9)."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    assert nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)) == 0
    return major.value, minor.value


def compile_for(nvrtc, code, architecture, options):
    """(PTX, or a cubin for an architecture such as "sm_80"; the compiler's words). Raises RuntimeError with them where it does not compile.

    "compute_80" gives PTX. CuPy asks for "sm_80", which is the GPU's own code: so no driver is too old for it.
    """
    program = ctypes.c_void_p()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), code.encode(), b"source.cu", 0, None, None) == 0
    words = [f"--gpu-architecture={architecture}", *options]
    array = (ctypes.c_char_p * len(words))(*(word.encode() for word in words))
    failed = nvrtc.nvrtcCompileProgram(program, len(words), array)
    log = text(nvrtc, program, "ProgramLog").decode().strip("\0\n")
    if failed:
        raise RuntimeError(log)
    found = text(nvrtc, program, "CUBIN" if architecture.startswith("sm_") else "PTX")
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return found, log


def text(nvrtc, program, kind):
    size = ctypes.c_size_t()
    assert getattr(nvrtc, f"nvrtcGet{kind}Size")(program, ctypes.byref(size)) == 0
    found = ctypes.create_string_buffer(size.value)
    assert getattr(nvrtc, f"nvrtcGet{kind}")(program, found) == 0
    return found.raw
