"""An FCN as a page of PyTorch that a person can read, and its weights in a safetensors file beside it."""

import os
from pathlib import Path

import numpy as np

from minifcn import nn
from minifcn.files import write_whole
from minifcn.kernels.windows import Window
from minifcn.models.fcn import FCN
from minifcn.models.steps import Step, steps_of
from minifcn.version import __version__
from minifcn.weights import save_arrays
from minifcn.weights.formats.safetensors_header import is_own_file

WITH_PARAMETERS = ("conv", "conv_transpose")


def to_torch(model: FCN, path: str | os.PathLike[str]) -> None:
    """Write `path` (.py), which builds `model` with torch.nn, and its weights (.safetensors) beside it. Each appears whole or not at all.

    Raises ValueError for a network of layers that are not known here, and where a model of minifcn's lies at the place of the weights.
    """
    path = Path(path)
    weights = path.with_suffix(".safetensors")
    spare_models(path, weights)
    steps = steps_of(model)
    arrays = model.state_dict()
    named = {
        f"{attribute(step.name)}.{kind}": np.array(arrays[f"{step.name}.{kind}"], np.float32, order="C")
        for step in steps
        if step.kind in WITH_PARAMETERS
        for kind in ("weight", "bias")
        if f"{step.name}.{kind}" in arrays
    }
    save_arrays(weights, named)
    write_whole(path, page(model, steps, path.name, weights.name).encode())


def spare_models(path: Path, weights: Path) -> None:
    """Raise ValueError where `weights` would take the place of a model of minifcn's, of which it holds the arrays alone."""
    if is_own_file(weights):
        raise ValueError(
            f"export: {weights} is a model of minifcn's, and the weights for PyTorch would take its place; give another name than {path}"
        )


def page(model: FCN, steps: list[Step], name: str, weights: str) -> str:
    """The text of the file."""
    architecture = model.architecture
    layers = "\n".join(f"        self.{attribute(step.name)} = {built(step)}" for step in steps if built(step))
    lines = "\n".join(f"        {attribute(step.output)} = {computed(step)}" for step in steps)
    photographs = takes_photographs(model)
    use = (
        f"Label map of a photograph: python {name} PHOTO LABELS.png"
        if photographs
        else "Its pictures are no photographs, or its classes more than a byte tells: load() and what you feed it are yours."
    )
    size = f"{model.picture_size} pixels, the longer side" if model.picture_size else "not noted"
    return f'''"""FCN of stride {architecture["stride"]} on {architecture["backbone"]}, for PyTorch; written by minifcn {__version__}.

Needs: pip install torch safetensors pillow numpy. {use}
Size of the pictures it was trained on: {size}.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import nn

CLASSES = {list(model.class_names)!r}


class Network(nn.Module):
    def __init__(self):
        super().__init__()
{layers}

    def forward(self, picture):
        """Preprocessed pictures (N, {next(iter(model.state_dict().values())).shape[1]}, H, W) -> scores (N, {len(model.class_names)}, H, W)."""
{lines}
        return scores


def cut(x, like, start=0):
    """x from row and column `start` on, at most as high and wide as `like`."""
    return x[:, :, start : start + like.shape[2], start : start + like.shape[3]]


{preprocess_text(model) if photographs else ""}def load(weights=Path(__file__).with_name({weights!r})):
    """The trained network, in eval mode."""
    network = Network()
    network.load_state_dict(load_file(weights))
    return network.eval()
{MAIN if photographs else ""}'''


def takes_photographs(model: FCN) -> bool:
    """Whether the file can be a program too: for pictures of three channels, and classes that a byte tells."""
    return model.architecture["in_channels"] == 3 and len(model.class_names) <= 256


def preprocess_text(model: FCN) -> str:
    chosen = model.preprocessing
    turned = "\n    values = values.flip(1)  # RGB to BGR" if chosen.channels == "bgr" else ""
    return f'''def preprocess(pictures):
    """uint8 (N, H, W, 3), RGB -> what the network expects, float32 (N, 3, H, W)."""
    values = pictures.permute(0, 3, 1, 2).float(){turned}
    mean = torch.tensor({plain(chosen.mean)!r}).view(1, -1, 1, 1)
    scale = torch.tensor({plain(chosen.scale)!r}).view(1, -1, 1, 1)
    return (values - mean) * scale


'''


MAIN = """

if __name__ == "__main__":
    photo, out = sys.argv[1:]
    picture = torch.from_numpy(np.array(Image.open(photo).convert("RGB")))
    with torch.no_grad():
        labels = load()(preprocess(picture[None]))[0].argmax(0).numpy().astype(np.uint8)
    Image.fromarray(labels).save(out)
    for number in np.unique(labels):
        print(f"{CLASSES[number]}  {100 * np.mean(labels == number):.1f} %")
"""


def plain(numbers: float | tuple[float, ...]) -> list[float]:
    """Python's own numbers, to be written out."""
    return [float(number) for number in np.atleast_1d(numbers)]


def attribute(name: str) -> str:
    """The name of a layer in the class, and of the map that it makes: backbone.fire2.squeeze1x1 is fire2_squeeze1x1."""
    return name.removeprefix("backbone.").replace(".", "_")


def built(step: Step) -> str:
    """The layer in words of torch.nn; nothing for what has no layer, or none with a memory."""
    layer = step.layer
    if isinstance(layer, nn.Conv2d):
        out, into = layer.weight.shape[:2]
        padding = even_padding(layer.window)
        return call("Conv2d", into * layer.options["groups"], out, layer, padding or (0, 0))
    if isinstance(layer, nn.ConvTranspose2d):
        into, out = layer.weight.shape[:2]
        return call("ConvTranspose2d", into, out * layer.options["groups"], layer, even_padding(layer.window) or (0, 0))
    if isinstance(layer, nn.MaxPool2d):
        window = layer.window
        options = (
            options_text(window, even_padding(window) or (0, 0), window.kernel) + ", ceil_mode=True" * layer.ceil_mode
        )
        return f"nn.MaxPool2d({side(window.kernel)}{options})"
    if isinstance(layer, nn.LocalResponseNorm):
        return "nn.LocalResponseNorm(" + ", ".join(f"{name}={value!r}" for name, value in layer.options.items()) + ")"
    return ""


def call(kind: str, into: int, out: int, layer: nn.Conv2d | nn.ConvTranspose2d, padding: tuple[int, int]) -> str:
    options = options_text(layer.window, padding)
    more = layer.options.get("output_padding", 0)
    options += f", output_padding={side(more) if isinstance(more, tuple) else more}" if more else ""
    options += f", groups={layer.options['groups']}" if layer.options["groups"] > 1 else ""
    options += "" if layer.bias is not None else ", bias=False"
    return f"nn.{kind}({into}, {out}, {side(layer.window.kernel)}{options})"


def options_text(window: Window, padding: tuple[int, int], usual_stride: tuple[int, int] = (1, 1)) -> str:
    """Stride, padding and dilation where they are not the usual ones."""
    usual = {
        "stride": (window.stride, usual_stride),
        "padding": (padding, (0, 0)),
        "dilation": (window.dilation, (1, 1)),
    }
    return "".join(f", {name}={side(value)}" for name, (value, default) in usual.items() if value != default)


def side(value: tuple[int, int]) -> str:
    """3 for (3, 3)."""
    return repr(value[0] if value[0] == value[1] else value)


def even_padding(window: Window) -> tuple[int, int] | None:
    """Vertical and horizontal padding, where it is the same on both sides; torch.nn knows no other."""
    (top, bottom), (left, right) = window.padding
    return (top, left) if (top, left) == (bottom, right) else None


def computed(step: Step) -> str:
    """The line of forward that makes a map."""
    inputs = [attribute(name) for name in step.inputs]
    number = int(step.number)
    if step.kind == "relu":
        return f"F.relu({inputs[0]})"
    if step.kind == "concat":
        return f"torch.cat([{', '.join(inputs)}], 1)"
    if step.kind == "times":
        return f"{inputs[0]} * {step.number!r}"
    if step.kind == "crop":
        return f"cut({inputs[0]}, {inputs[1]}{f', {number}' if number else ''})"
    if step.kind == "add":
        return f"{inputs[0]} + {inputs[1]}"
    if step.kind == "max":
        return f"torch.maximum({inputs[0]}, {inputs[1]})"
    source = inputs[0]
    window = getattr(step.layer, "window", None)
    if window is not None and even_padding(window) is None:
        (top, bottom), (left, right) = window.padding
        source = f"F.pad({source}, ({left}, {right}, {top}, {bottom}))"
    return f"self.{attribute(step.name)}({source})"
