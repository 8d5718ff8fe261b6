"""The pictures of the README, made by the library: python docs/images/make.py

fcn8s.svg and graph.svg need nothing but minifcn. photograph.jpg needs a photograph, and takes one that is free: Chelsea the cat, by Stéfan van der
Walt, CC0, which comes with scikit-image (pip install scikit-image). `--picture FILE` takes another.
"""

import argparse
import importlib.util
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import minifcn as mf
from minifcn.files import write_whole
from minifcn.nn.initialisers import undrawn

FOLDER = Path(__file__).parent
GAP = 8  # pixels between the photograph and what the network makes of it


def network():
    """FCN-8s over VGG16 with the reference's padding: its architecture."""
    with undrawn():  # only shapes are looked at
        return mf.draw.architecture(mf.models.fcn8s("vgg16", padding="paper"))


def computation():
    """A linear model and its squared error: the graph of the loss."""
    rng = np.random.default_rng(0)
    x, minus_y = mf.Tensor(rng.standard_normal((8, 3))), mf.Tensor(-rng.standard_normal((8, 1)))
    w, b = mf.nn.Parameter(rng.standard_normal((3, 1))), mf.nn.Parameter(np.zeros(1))
    wrong = x @ w + b + minus_y
    return mf.draw.graph((wrong * wrong).mean(), names={"w": w, "b": b, "x": x, "-y": minus_y})


def free_photograph():
    """The file of Chelsea the cat in scikit-image, without importing it."""
    found = importlib.util.find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        sys.exit(
            "photograph.jpg: scikit-image is not installed, whose cat is drawn; pip install scikit-image, or give --picture FILE"
        )
    return Path(found.submodule_search_locations[0], "data", "chelsea.png")


def photograph(path):
    """The photograph, and beside it what `minifcn predict` draws with the network that ships: a JPEG, as bytes."""
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([sys.executable, "-m", "minifcn", "predict", str(path), "--out", out], check=True)
        drawn = Image.open(Path(out, f"{path.stem}_overlay.png")).convert("RGB")
    before = Image.open(path).convert("RGB")
    sheet = Image.new("RGB", (before.width + GAP + drawn.width, drawn.height), "white")
    sheet.paste(before, (0, 0))
    sheet.paste(drawn, (before.width + GAP, 0))
    content = io.BytesIO()
    sheet.save(content, "JPEG", quality=85, optimize=True)
    return content.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path, help="the photograph (scikit-image's cat)")
    arguments = parser.parse_args()
    print(network().save(FOLDER / "fcn8s.svg"))
    print(computation().save(FOLDER / "graph.svg"))
    write_whole(FOLDER / "photograph.jpg", photograph(arguments.picture or free_photograph()))
    print(FOLDER / "photograph.jpg")


if __name__ == "__main__":
    main()
