"""A name that there is not: which one was meant, and which there are."""

from collections.abc import Iterable
from difflib import SequenceMatcher

ALIKE = 0.65  # the share of two names' letters that must agree: "resnet" is no misspelt "alexnet"
MOST = 5


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that may be meant by `name`: what it begins, else what is spelled most like it, else what it is a part of.

    >>> nearest("--stepz", ["--size", "--steps", "--seed"]), nearest("conv", ["conv2d", "relu", "conv_transpose2d"])
    (['--steps'], ['conv2d', 'conv_transpose2d'])
    """
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
