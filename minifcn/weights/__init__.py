"""Arrays in files: state dicts as safetensors."""

from minifcn.weights.state import WeightsError, WeightsNote, load_arrays, save_arrays

__all__ = ["WeightsError", "WeightsNote", "load_arrays", "save_arrays"]


def __dir__() -> list[str]:
    return sorted(__all__)
