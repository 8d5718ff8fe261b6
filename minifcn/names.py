"""Names that are loaded when they are first asked for; and a name that there is not: which one was meant, and which there are."""

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

ALIKE = 0.65  # the share of two names' letters that must agree: "resnet" is no misspelt "alexnet"
MOST = 5


class Later(ModuleType):
    """A package whose names are loaded when they are first asked for: what a command does not use it does not load.

    Where a function has the name of its file, as `minifcn.training.run`, the package has the function.
    """

    def __getattr__(self, name: str) -> Any:
        place = self.__dict__.get("_places", {}).get(name)
        try:
            if not place and name.startswith("_"):
                raise ModuleNotFoundError(name=f"{self.__name__}.{name}")
            found = getattr(import_module(place), name) if place else import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError as error:
            if place or error.name != f"{self.__name__}.{name}":
                raise
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self) from None
        self.__dict__[name] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        # Python tells a package of each of its files that is loaded; where a function has that name it stays
        if not (isinstance(value, ModuleType) and name in self._places):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted(self.__all__)


def later(package: str, names: Mapping[str, str]) -> None:
    """Make a `Later` of a package, which has of each module the `names` that stand behind it; and its own files and rooms."""
    there = sys.modules[package]
    there.__dict__["_places"] = {name: module for module, found in names.items() for name in found.split()}
    there.__class__ = Later


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that may be meant by `name`: what it begins, else what is spelled most like it, else what it is a part of.

    >>> nearest("--stepz", ["--size", "--steps", "--seed"]), nearest("conv", ["conv2d", "relu", "conv_transpose2d"])
    (['--steps'], ['conv2d', 'conv_transpose2d'])
    """
    from difflib import SequenceMatcher  # only who has misspelt something needs it

    wanted, plain = _plain(name), {known: _plain(known) for known in names}
    if not wanted:
        return []
    begun = [known for known, text in plain.items() if text.startswith(wanted)]
    if begun:
        return begun[:MOST]
    alike = {known: SequenceMatcher(None, text, wanted).ratio() for known, text in plain.items()}
    best = max(alike.values(), default=0.0)
    if best >= ALIKE:
        return [known for known in alike if alike[known] == best][:MOST]
    return [known for known, text in plain.items() if len(wanted) > 2 and wanted in text][:MOST]


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """ ": did you mean A or B?", to stand behind a name that there is not; "" where none is like it."""
    near = nearest(name, names)
    return f": did you mean {' or '.join([', '.join(near[:-1]), near[-1]] if near[1:] else near)}?" if near else ""


def instead(name: str, names: Iterable[str], there: str = "choose one of") -> str:
    """What an error says behind a name that there is not: the nearest, and all that there are.

    >>> "no fruit 'aple'" + instead("aple", ["apple", "pear"])
    "no fruit 'aple': did you mean apple? Choose one of apple, pear"
    >>> "no fruit 'kiwi'" + instead("kiwi", ["apple", "pear"], "there are")
    "no fruit 'kiwi'; there are apple, pear"
    """
    names = list(names)
    question = did_you_mean(name, names)
    opening = f"{question} {there[:1].upper()}{there[1:]}" if question else f"; {there}"
    return f"{opening} {', '.join(names) or 'none'}"
