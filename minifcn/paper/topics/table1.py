"""Table 1: the three networks that the paper makes fully convolutional, counted. Its scores and times are not: they need ImageNet."""

from collections.abc import Iterable
from typing import Any

from minifcn.models import FCN
from minifcn.models.summary import Table1, table_1
from minifcn.nn.initialisers import undrawn
from minifcn.paper.claims import Outcome, Setting, claim

NAMES = {"alexnet": "AlexNet", "vgg16": "VGG16", "googlenet": "GoogLeNet"}
# convolution layers, millions of parameters, receptive field, largest stride
PAPER = {"alexnet": (8, 57, 355, 32), "vgg16": (16, 134, 404, 32), "googlenet": (22, 6, 907, 32)}


@claim(
    "table-1",
    "4.1, Table 1",
    "AlexNet, VGG16 and GoogLeNet as FCN-32s: 8, 16 and 22 convolution layers, 57, 134 and 6 M parameters, receptive fields 355, 404 "
    "and 907, largest stride 32.",
)
def architectures(setting: Setting) -> Outcome:
    with undrawn():  # only counted: no need for 134 M random numbers
        found = {name: table_1(FCN(name, 32, 21, padding="paper")) for name in NAMES}
    google = found["googlenet"]
    return Outcome(
        all(as_printed(found[name]) == PAPER[name] for name in NAMES),
        f"{listed(f.conv_layers for f in found.values())} convolutions in a row, "
        f"{listed(f'{f.parameters / 1e6:.1f}' for f in found.values())} M parameters without upsampling, "
        f"receptive fields {listed(f.receptive_field for f in found.values())}; GoogLeNet's {google.receptive_field} become "
        f"{google.receptive_field_pooled} with the 7x7 average pool that section 4.1 discards; "
        f"strides {listed(f.stride for f in found.values())}",
        beside_the_paper(found),
    )


def as_printed(found: Table1) -> tuple[int, int, int, int]:
    """In the paper's units. Its receptive field counts the classifier's average pool, where there is one."""
    return found.conv_layers, round(found.parameters / 1e6), found.receptive_field_pooled, found.stride


def listed(values: Iterable[Any]) -> str:
    *others, last = map(str, values)
    return f"{', '.join(others)} and {last}"


def beside_the_paper(found: dict[str, Table1]) -> list[list[str]]:
    """A row a quantity; for each network what was counted, and the paper's number."""
    table = [["", *(head for name in found for head in (NAMES[name], "paper"))]]
    for place, quantity in enumerate(("convolution layers", "parameters", "receptive field", "largest stride")):
        row = [quantity]
        for name, numbers in found.items():
            here = str(as_printed(numbers)[place])
            if quantity == "parameters":
                here = f"{numbers.parameters:,}"
            elif quantity == "receptive field" and numbers.receptive_field != numbers.receptive_field_pooled:
                here = f"{numbers.receptive_field}, with the average pool {here}"
            row += [here, f"{PAPER[name][place]}{' M' if quantity == 'parameters' else ''}"]
        table.append(row)
    return table
