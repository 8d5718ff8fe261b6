"""NVIDIA's compiler for CUDA C, from its pip package, called without CuPy and without a GPU."""

import ctypes
import importlib.util
from pathlib import Path


def library():
    """The loaded library, or None where the package nvidia-cuda-nvrtc is not installed."""
    for name in ("nvidia.cuda_nvrtc", "nvidia.cu13"):
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            continue
        for folder in spec.submodule_search_locations if spec else ():
            for path in sorted(Path(folder).glob("lib/libnvrtc.so.*")):
                if "builtins" not in path.name and "alt" not in path.name:
                    return ctypes.CDLL(str(path))
    return None


def compile_for(nvrtc, code, architecture, options):
    """The PTX of `code` for an architecture such as "sm_80". Raises RuntimeError with the compiler's words."""
    program = ctypes.c_void_p()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), code.encode(), b"source.cu", 0, None, None) == 0
    words = [f"--gpu-architecture={architecture}", *options]
    array = (ctypes.c_char_p * len(words))(*(word.encode() for word in words))
    failed = nvrtc.nvrtcCompileProgram(program, len(words), array)
    size = ctypes.c_size_t()
    if failed:
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, log)
        raise RuntimeError(log.value.decode())
    nvrtc.nvrtcGetPTXSize(program, ctypes.byref(size))
    found = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetPTX(program, found)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return found.value.decode()
