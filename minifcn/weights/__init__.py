"""Arrays in files: state dicts as safetensors."""

from minifcn.weights.state import WeightsError, load_arrays, save_arrays

__all__ = ["WeightsError", "load_arrays", "save_arrays"]


def __dir__() -> list[str]:
    return sorted(__all__)
