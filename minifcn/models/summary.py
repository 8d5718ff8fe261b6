"""A network as a table: a row a layer, worked out from shapes alone. Nothing is computed, so VGG16 costs no more than tiny."""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from minifcn import nn
from minifcn.models.fcn import FCN
from minifcn.models.geometry import Field
from minifcn.models.trunks.trunk import Branches
from minifcn.ops.checks import as_sizes, whole

Shape = tuple[int, int, int, int]


class Row(NamedTuple):
    """One layer: output shape (N, C, H, W), what a cell sees, parameters, multiply-adds, bytes of output in float32."""

    name: str
    kind: str
    shape: Shape
    field: Field
    parameters: int
    multiply_adds: int
    memory: int


def layer_row(name: str, layer: nn.Module, shape: Shape, field: Field) -> Row:
    """The row of `layer` for an input of `shape` whose cells see `field`."""
    n, c, h, w = shape
    window: Any = getattr(layer, "window", None)
    multiply_adds = 0
    if isinstance(layer, nn.ConvTranspose2d):
        out = layer.weight.shape[1] * layer.options["groups"]
        oh, ow = (side + layer.options["output_padding"] for side in window.transposed_size((h, w)))
        multiply_adds = n * h * w * layer.weight.size  # every input cell meets every weight of its group once
    elif isinstance(layer, nn.Conv2d):
        out = layer.weight.shape[0]
        oh, ow = window.output_size((h, w))
        multiply_adds = n * oh * ow * layer.weight.size
    elif window is not None:
        out = c
        oh, ow = window.ceil_output_size((h, w)) if getattr(layer, "ceil_mode", False) else window.output_size((h, w))
    else:
        out, oh, ow = c, h, w
    parameters = sum(parameter.size for parameter in layer.parameters())
    result: Shape = (n, out, oh, ow)
    return Row(name, type(layer).__name__, result, field.through([layer]), parameters, multiply_adds, 4 * prod(result))


def rows_along(prefix: str, module: nn.Module, names: tuple[str, ...], shape: Shape, field: Field) -> list[Row]:
    """A row for each layer in `names` of `module`, one after the other."""
    table: list[Row] = []
    for name in names:
        table.append(layer_row(f"{prefix}.{name}", getattr(module, name), shape, field))
        shape, field = table[-1].shape, table[-1].field
    return table


def branches_rows(name: str, module: Branches, shape: Shape, field: Field) -> list[Row]:
    """The layers of a Fire or an Inception, way by way, and their maps side by side."""
    stem = rows_along(name, module, module.stem, shape, field)
    if stem:
        shape, field = stem[-1].shape, stem[-1].field
    ways = [rows_along(name, module, way, shape, field) for way in module.ways]
    ends = [way[-1] for way in ways]
    n, _, h, w = ends[0].shape
    joined = (n, sum(end.shape[1] for end in ends), h, w)
    widest = max((end.field for end in ends), key=lambda field: field.size)
    return [*stem, *(row for way in ways for row in way), Row(name, "concat", joined, widest, 0, 0, 4 * prod(joined))]


def join_row(name: str, shape: Shape, field: Field, fusion: str = "sum") -> Row:
    kind = "crop and " + ("add" if fusion == "sum" else fusion) if name.startswith("fuse") else "crop"
    return Row(name, kind, shape, field, 0, 0, 4 * prod(shape))


def rows(model: FCN, size: tuple[int, int]) -> list[Row]:
    """A row a layer, in the order in which `model` runs them on one picture of `size` (H, W)."""
    channels = next(model.parameters()).shape[1]
    shape: Shape = (1, channels, *size)
    field, table, maps = Field(), [], {}
    for name, layer in model.backbone.named_layers():
        if isinstance(layer, Branches):
            table += branches_rows(name, layer, shape, field)
        else:
            table.append(layer_row(name, layer, shape, field))
        row = maps[name] = table[-1]
        shape, field = row.shape, row.field
    coarsest = maps[model.backbone.heads[max(model.backbone.heads)]]
    row = layer_row("score_fr", model.score_fr, coarsest.shape, coarsest.field)
    table.append(row)
    for skip in model.skips:
        row = layer_row(skip.up_name, skip.up, row.shape, row.field)
        source = maps[skip.source]
        finer = layer_row(skip.score_name, skip.score, source.shape, source.field)
        height, width = (min(row.shape[axis], finer.shape[axis] - skip.offset) for axis in (2, 3))
        # the sum sees what both see; strides and centres agree, or the network could not have been built
        field = row.field if row.field.size >= finer.field.size else finer.field
        table += [row, finer, join_row(f"fuse_{skip.source}", (1, row.shape[1], height, width), field, model.fusion)]
        row = table[-1]
    row = layer_row("upscore", model.upscore, row.shape, row.field)
    table += [row, join_row("score", (1, row.shape[1], *size), row.field.cropped(model.offset))]
    return table


class Table1(NamedTuple):
    """What the paper's Table 1 says of an architecture.

    `conv_layers` on the longest way from the picture to the coarsest scores, those included; `parameters` of all but the upsampling;
    `receptive_field` and `stride` of a coarsest score, in pixels. `receptive_field_pooled`: what it would be with the average pool that
    ends the classifier. The paper prints that for GoogLeNet, 907, though its section 4.1 discards the pool: 715 are left.
    """

    conv_layers: int
    parameters: int
    receptive_field: int
    receptive_field_pooled: int
    stride: int


def table_1(model: FCN) -> Table1:
    """The rows of the paper's Table 1 that follow from the architecture alone."""
    layers = model.backbone.layers_to(model.backbone.heads[max(model.backbone.heads)])
    field = Field().through([*layers, model.score_fr])
    pooled = Field().through([*layers, nn.AvgPool2d(model.backbone.average_pool, 1)])
    return Table1(
        conv_layers=sum(map(convolutions_in_a_row, [*layers, model.score_fr])),
        parameters=sum(p.size for name, p in model.named_parameters() if not name.startswith("upscore")),
        receptive_field=field.size,
        receptive_field_pooled=pooled.size,
        stride=int(field.stride),
    )


def convolutions_in_a_row(layer: nn.Module) -> int:
    """How many convolutions there are on the longest way through `layer`."""
    if isinstance(layer, Branches):
        ways = [[getattr(layer, name) for name in (*layer.stem, *way)] for way in layer.ways]
        return max(sum(map(convolutions_in_a_row, way)) for way in ways)
    return int(isinstance(layer, nn.Conv2d))


def table_1_line(model: FCN) -> str:
    found, side = table_1(model), model.backbone.average_pool
    pooled = f" ({found.receptive_field_pooled} with the {side}x{side} average pool that section 4.1 discards)"
    return (
        f"Table 1        {found.conv_layers} convolutions in a row, {found.parameters:,} parameters without upsampling, "
        f"receptive field {found.receptive_field}{pooled if side > 1 else ''}, largest stride {found.stride}"
    )


def aligned(lines: Sequence[Sequence[str]], left: int) -> list[str]:
    """Lines of cells as columns, a rule under the first line; the first `left` columns are words, the others numbers."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    sides = [str.ljust if number < left else str.rjust for number in range(len(widths))]
    text = [
        "  ".join(side(cell, width) for side, cell, width in zip(sides, line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return [text[0], "-" * max(map(len, text)), *text[1:]]


def summarise(model: FCN, size: tuple[int, int]) -> str:
    """The table as text, with totals, for one picture of `size` (H, W)."""
    sizes = as_sizes(size)
    if len(sizes) != 2 or not all(whole(side) and side > 0 for side in sizes):
        raise ValueError(f"summarise: size is {size!r}; expected two integers, height and width, such as (256, 256)")
    table = rows(model, size)
    lines = [("layer", "kind", "output (C, H, W)", "sees", "stride", "parameters", "multiply-adds", "memory MiB")]
    for row in table:
        lines.append(
            (
                row.name,
                row.kind,
                "{} x {} x {}".format(*row.shape[1:]),
                str(row.field.size),
                str(row.field.stride),
                f"{row.parameters:,}",
                f"{row.multiply_adds / 1e6:,.1f} M" if row.multiply_adds else "0",
                f"{row.memory / 2**20:,.2f}",
            )
        )
    parameters = list(model.parameters())
    trained = sum(p.size for p in parameters if p.requires_grad)
    total = (sum(p.size for p in parameters), sum(r.multiply_adds for r in table), sum(r.memory for r in table))
    text = aligned(lines, left=3)
    crops = [f"{skip.source} {skip.offset}" for skip in model.skips] + [f"output {model.offset}"]
    return "\n".join(
        [
            *text,
            "",
            f"parameters     {total[0]:,} ({trained:,} trained, {total[0] - trained:,} fixed bilinear)",
            f"multiply-adds  {total[1] / 1e9:,.3f} G for one picture of {size[0]}x{size[1]}",
            f"activations    {total[2] / 2**20:,.1f} MiB, every map above kept once in float32",
            f"crop offsets   {', '.join(crops)}",
            table_1_line(model),
        ]
    )
