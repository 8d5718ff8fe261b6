"""Wrong usage in a sentence: what is wrong, the nearest name, and where help is; exit status 2.

argparse alone prints every option of a command first, 21 lines of them for `train`. Options are written out: an abbreviation that is clear today
means two options tomorrow, and a command in somebody's notes stops working. So `--step` is refused, and `--steps` named.
"""

import argparse
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn

from minifcn.names import did_you_mean, instead


def one_of(kind: str, names: Collection[str]) -> Callable[[str], str]:
    """An argparse type: one of `names`, which are looked up when a word is read."""

    def known(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"unknown {kind} {text}{instead(text, names)}")
        return text

    return known


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that explains itself. Commands made by `add_subparsers` are of this kind too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False, exit_on_error=False)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Nothing unknown is left over: it ends the program. An unknown option is named before one that it leaves missing."""
        self.check_options(args or [])
        try:
            found, rest = super().parse_known_args(args, namespace)
        except argparse.ArgumentError as error:
            self.error(self.sentence(error))
        if rest:
            self.error(f"{' '.join(rest)}: more words than {self.prog} takes")
        return found, rest

    def check_options(self, words: Sequence[str]) -> None:
        """End the program at the first option that there is not."""
        known = self.options()
        for word in words:
            if word == "--" or word in self.commands():  # what follows is no option, or a command's
                return
            option = word.partition("=")[0]
            if looks_like_an_option(word) and option not in known:
                self.error(f"unknown option {option}{self.without_option(option) or did_you_mean(option, known)}")

    def options(self) -> list[str]:
        """All options, as they are written: --steps."""
        return [option for action in self._actions for option in action.option_strings]

    def without_option(self, option: str) -> str:
        """What to say of --model where MODEL is a word of its own."""
        words = [str(a.metavar or a.dest) for a in self._actions if not a.option_strings and a.nargs != argparse.PARSER]
        return next(
            (f": {word} is given without it" for word in words if word.lower() == option.lstrip("-").lower()), ""
        )

    def commands(self) -> Collection[str]:
        """The words that hand over to a parser of their own."""
        return [name for a in self._actions if isinstance(a, argparse._SubParsersAction) for name in a.choices]

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # argparse's own text is a list of all choices, spelled otherwise in every Python
        if action.choices is not None and value not in action.choices:
            kind = "value" if action.option_strings else action.dest
            names = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(action, f"unknown {kind} {value}{instead(str(value), names)}")

    def sentence(self, error: argparse.ArgumentError) -> str:
        """What argparse has to say, without the word argument, and with an example where a value is missing."""
        action = next((a for a in self._actions if error.argument_name == "/".join(a.option_strings)), None)
        if (
            action is None
        ):  # a word that belongs to no option: its place in the line says nothing that the message does not
            return error.message
        value = action.metavar or action.dest.upper()
        missing = f": {action.option_strings[0]} {value}" if error.message.startswith("expected ") else ""
        return f"{error.argument_name}: {error.message}{missing}"

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nhelp: {self.prog} --help\n")


def looks_like_an_option(word: str) -> bool:
    """-x and --steps do; -1, -0.5, a lone dash, and a text with spaces are values."""
    if not word.startswith("-") or word == "-" or " " in word:
        return False
    try:
        float(word)
    except ValueError:
        return True
    return False
