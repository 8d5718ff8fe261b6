"""`minifcn COMMAND …`: find the command, run it, turn errors into a sentence and an exit status."""

import argparse
import gc
import importlib
import keyword
import sys
import warnings
from collections.abc import Sequence

from minifcn.backend import no_memory_left
from minifcn.cli.output import readable_output, said_to_the_end, to_nowhere
from minifcn.cli.usage import Parser
from minifcn.started import STOPPED, all_is_loaded
from minifcn.version import __version__

COMMANDS = {
    "demo": "make the synthetic set, train FCN-32s, 16s and 8s on it, write a report: the whole way in minutes",
    "import": "labels of another tool, or a public set, into a folder to train on",
    "check-data": "look at every file of a data folder: what is in it, what is wrong with it",
    "train": "train on a VOC folder or the synthetic set; a run folder comes out",
    "eval": "score a saved model on a split",
    "predict": "segment pictures: with the model that ships with minifcn, or your own",
    "export": "save a model again, in float16 if asked, with notes about licence and origin",
    "download": "fetch trained networks and data sets, checked and ready for use",
    "weights": "make a model of weights that others trained: PyTorch's, Caffe's, ONNX and more",
    "summary": "a network as a table: shapes, receptive fields, parameters, cost",
    "gradcheck": "hold every operation's gradient against finite differences",
    "lessons": "the lessons of a clone, and which of their exercises you have solved",
    "paper": "hold what the paper says against measurements made here",
    "bench": "time whole networks and single layers, in turns with PyTorch",
}


START = """to start with:
  minifcn demo                                        a network, a report
  minifcn gradcheck conv2d                            is this gradient right?
  minifcn train --data mydata --init voc7 --out run   learn your own pictures
"""


def parser(words: Sequence[str] | None = None) -> Parser:
    """The parser of all commands. Of a line's `words` only the command they name gets its options: to load all takes half a second."""
    top = Parser(
        prog="minifcn",
        description="Fully convolutional networks for semantic segmentation, from scratch in NumPy.",
        epilog=f"{START}\nminifcn COMMAND --help says what a command takes.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"minifcn {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)
    named = list(COMMANDS) if words is None else [word for word in words if word in COMMANDS][:1]
    # where the line begins with its command nobody asks for the list of the others
    listed = {words[0]: COMMANDS[words[0]]} if words and words[0] in COMMANDS else COMMANDS
    for name, summary in listed.items():
        if name not in named:
            commands.add_parser(name, help=summary)
            continue
        module = importlib.import_module(f"minifcn.cli.commands.{module_name(name)}")
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return top


def module_name(command: str) -> str:
    """The module of a command; `import` is a word of Python's own."""
    return command.replace("-", "_") + "_" * keyword.iskeyword(command)


LESS_MEMORY = {
    "train": "a smaller --batch (with --accumulate the step stays as large), --size or --width, or fewer --processes",
    "predict": "--tile 512, or a smaller --tile or --size",
    "eval": "a smaller --size or fewer --scales",
}  # fmt: skip


def less_memory(arguments: argparse.Namespace) -> str:
    """What of a command line to make smaller where memory does not suffice."""
    ways = LESS_MEMORY.get(arguments.command, "a smaller --width, --size or --batch")
    if getattr(arguments, "gpu_memory", None):
        ways += f"; or a larger --gpu-memory than {arguments.gpu_memory}"
    return ways + ("; or --device cpu" if hasattr(arguments, "device") else "")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0 for success, 1 for failure (one sentence on stderr), 2 for wrong usage, 130 for Ctrl-C."""
    # a loss that overflows is said in a sentence by the training loop; NumPy's warnings about it name lines nobody asked for
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minifcn\.")
    # what it thinks of broken EXIF data, which are left aside: no pixel depends on them
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    words = list(sys.argv[1:] if argv is None else argv)
    if (
        argv is None
    ):  # a process of its own: what it loads it keeps, and need not look through for garbage again and again
        gc.disable()
    with readable_output(words[0] if words else ""):
        try:
            status = answer(words)
            return status if said_to_the_end() else status or 1
        except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
            to_nowhere(sys.stdout)
            return 1
        except KeyboardInterrupt as error:
            print(
                f"\nminifcn{''.join(f' {word}' for word in words[:1] if word in COMMANDS)}: stopped{error}",
                file=sys.stderr,
            )
            return STOPPED


def answer(words: list[str]) -> int:
    """What `main` returns for these words, if nobody leaves or stops it."""
    if words[:1] == ["help"]:  # as other programs have it
        words = [*words[1:2], "--help"]
    try:
        arguments = parser(words).parse_args(words or ["--help"])
    except SystemExit as stop:  # --help and --version are answered, or wrong usage is said
        return int(stop.code or 0)
    arguments.words = words  # as typed: the report says how to repeat the run
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    all_is_loaded()
    try:
        return arguments.run(arguments)
    except BrokenPipeError:
        raise
    except (ValueError, TypeError, RuntimeError, OSError, ImportError, AssertionError, MemoryError) as error:
        # our own errors say what came, what was expected and what to do; a traceback would only bury that
        text = f"not enough memory ({error}); try {less_memory(arguments)}" if no_memory_left(error) else str(error)
        print(f"minifcn {arguments.command}: {text}", file=sys.stderr)
        return 1
