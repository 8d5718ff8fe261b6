"""docs/command-line.md from the parsers: `python docs/make/commands.py` writes it, and a test holds it. Never edit that page by hand."""

import argparse
import html
import re
from collections.abc import Iterator
from pathlib import Path

from minifcn.cli.main import parser

PAGE = Path(__file__).resolve().parents[1] / "command-line.md"
INTRODUCTION = """\
<!-- made from the parsers by docs/make/commands.py; edit the options' help in minifcn/cli, not this page -->
# Command line

Every option of every command, made from the program's own parsers. In round brackets stands what holds where an option is not given.
`minifcn COMMAND --help` says the same in a terminal.

The exit status is 0 for success, 1 for failure, with one sentence on stderr, 2 for wrong usage, and 130 for Ctrl-C.
"""


def page(top: argparse.ArgumentParser) -> str:
    """The whole page: the commands in one table, then each with its options."""
    commands = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    summaries = {action.dest: action.help or "" for action in commands._choices_actions}
    lines = [INTRODUCTION, "| command | what it does |", "|---|---|"]
    lines += [f"| [{code(name)}](#minifcn-{name}) | {prose(summaries.get(name, ''))} |" for name in commands.choices]
    for name, command in commands.choices.items():
        lines += ["", f"## minifcn {name}", "", prose(command.description or ""), "", "```text", call(command), "```"]
        for title, actions in tables(command):
            lines += [
                "",
                f"**{title[0].upper()}{title[1:]}**",
                "",
                f"| {'option' if actions[0].option_strings else 'argument'} | what it does |",
                "|---|---|",
            ]
            lines += [row(command, action) for action in actions]
    return "\n".join(lines) + "\n"


def tables(command: argparse.ArgumentParser) -> Iterator[tuple[str, list[argparse.Action]]]:
    """The groups of options that have any, in the order of --help, but what a command is given by name or place first."""
    for group in command._action_groups:
        actions = [
            action for action in group._group_actions if action.help != argparse.SUPPRESS and action.dest != "help"
        ]
        if actions:
            yield {"positional arguments": "arguments"}.get(group.title or "", group.title or "options"), actions


def call(command: argparse.ArgumentParser) -> str:
    """How the command is called: what must be given, and what stands without a name."""
    words = [command.prog]
    for action in command._actions:
        if action.option_strings and action.required:
            words.append(f"{action.option_strings[-1]} {value(action)}")
    words.append("[options]")
    for action in command._actions:
        if not action.option_strings:
            words.append({"*": "[{} …]", "?": "[{}]", "+": "{} …"}.get(str(action.nargs), "{}").format(value(action)))
    return " ".join(words)


def value(action: argparse.Action) -> str:
    """The word for what an option or argument takes; "" for one that takes nothing."""
    if action.nargs == 0:
        return ""
    word = action.metavar or (action.dest.upper() if not action.choices or not action.option_strings else "…")
    text = word if isinstance(word, str) else " ".join(word)
    if not action.option_strings:
        return text
    return {"*": f"[{text} …]", "+": f"{text} …", "?": f"[{text}]"}.get(str(action.nargs), text)


def row(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    names = ", ".join(code(f"{name} {value(action)}".strip()) for name in action.option_strings) or code(value(action))
    said = command._get_formatter()._expand_help(action) if action.help else ""
    # Python 3.10 adds this to --graph/--no-graph by itself; the page is the same for every Python
    said = prose(said.removesuffix(f" (default: {action.default})"))
    if action.choices:
        said = f"one of {', '.join(code(str(choice)) for choice in action.choices)}{'; ' if said else ''}{said}"
    for group in command._mutually_exclusive_groups:
        others = [code(other.option_strings[0]) for other in group._group_actions if other is not action]
        if action in group._group_actions and others:
            said += f"; not together with {', '.join(others)}"
    if action.option_strings and action.required:
        said += "; must be given"
    return f"| {names} | {said.lstrip('; ')} |"


def code(text: str) -> str:
    return f"<code>{escaped(text)}</code>"


def escaped(text: str) -> str:
    """Text that Markdown and its tables leave as it is."""
    return re.sub(r"[|*_\[\]`\\]", lambda match: f"&#{ord(match[0])};", html.escape(text, quote=False))


def prose(text: str) -> str:
    """A help text on one line, its options set as code."""
    return re.sub(r"(?<![\w-])--[a-z][a-z-]*", r"<code>\g<0></code>", escaped(" ".join(text.split())))


if __name__ == "__main__":
    PAGE.write_text(page(parser()), encoding="utf-8")
    print(f"{PAGE}: written")
