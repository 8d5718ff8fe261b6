"""A network as other programs run it: ONNX for the runtimes, a page of PyTorch for a person. `steps` is the network as a list that both are written from."""

from minifcn.export.onnx_file import to_onnx
from minifcn.export.torch_names import to_torchvision
from minifcn.export.torch_source import to_torch

__all__ = ["to_onnx", "to_torch", "to_torchvision"]
