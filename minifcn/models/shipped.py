"""Models that come with the package: loaded by name, without a download."""

import os
from pathlib import Path

from minifcn.names import did_you_mean
from minifcn.weights import WeightsError

SHIPPED = "voc7"  # background and six classes of VOC; what `minifcn predict` uses where no other model is given
NAMES = (SHIPPED,)


def shipped_folder() -> Path:
    """Where the files lie: minifcn/weights/shipped of this installation. An older or stripped one may not have it."""
    import minifcn.weights

    return Path(minifcn.weights.__path__[0], "shipped")


def shipped_file(name: str = SHIPPED) -> Path | None:
    """The file of a shipped model, or None where this installation does not have it."""
    path = shipped_folder() / f"{name}.safetensors"
    return path if path.is_file() else None


def model_file(path_or_name: str | os.PathLike[str]) -> Path:
    """The file that "voc7" stands for; anything else is a path already ("./voc7" is one too). Raises WeightsError."""
    if path_or_name in NAMES:
        found = shipped_file(str(path_or_name))
        if found is None:
            raise WeightsError(
                f"{path_or_name}: the model that ships with minifcn is not in this installation (looked in {shipped_folder()}); "
                "install minifcn again, or train a model with minifcn train or minifcn demo and give its file, "
                "such as --model RUN/best.safetensors"
            )
        return found
    path = Path(path_or_name)
    if not path.exists() and path.name == str(path_or_name) and not path.suffix:  # a word: perhaps meant as a name
        raise WeightsError(
            f"{path}: no such file, and no model of that name ships with minifcn"
            + (did_you_mean(path.name, NAMES) or f" (it has {', '.join(NAMES)})")
        )
    return path
