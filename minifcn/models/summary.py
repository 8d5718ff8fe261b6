"""A network as a table: a row a layer, worked out from shapes alone. Nothing is computed, so VGG16 costs no more than tiny."""

from math import prod
from typing import Any, NamedTuple

from minifcn import nn
from minifcn.models.backbones import Fire
from minifcn.models.fcn import FCN
from minifcn.models.geometry import Field

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
    result = (n, out, oh, ow)
    return Row(name, type(layer).__name__, result, field.through([layer]), parameters, multiply_adds, 4 * prod(result))


def fire_rows(name: str, fire: Fire, shape: Shape, field: Field) -> list[Row]:
    """The three convolutions of a Fire module, and their maps side by side."""
    squeeze = layer_row(f"{name}.squeeze1x1", fire.squeeze1x1, shape, field)
    ways = [
        layer_row(f"{name}.{way}", getattr(fire, way), squeeze.shape, squeeze.field)
        for way in ("expand1x1", "expand3x3")
    ]
    n, _, h, w = ways[1].shape
    joined = (n, ways[0].shape[1] + ways[1].shape[1], h, w)
    return [squeeze, *ways, Row(name, "concat", joined, ways[1].field, 0, 0, 4 * prod(joined))]


def join_row(name: str, shape: Shape, field: Field) -> Row:
    return Row(name, "crop and add" if name.startswith("fuse") else "crop", shape, field, 0, 0, 4 * prod(shape))


def rows(model: FCN, size: tuple[int, int]) -> list[Row]:
    """A row a layer, in the order in which `model` runs them on one picture of `size` (H, W)."""
    channels = next(model.parameters()).shape[1]
    shape: Shape = (1, channels, *size)
    field, table, maps = Field(), [], {}
    for name, layer in model.backbone.named_layers():
        table += (
            fire_rows(name, layer, shape, field) if isinstance(layer, Fire) else [layer_row(name, layer, shape, field)]
        )
        row = maps[name] = table[-1]
        shape, field = row.shape, row.field
    coarsest = maps[model.backbone.heads[max(model.backbone.heads)]]
    row = layer_row("score_fr", model.score_fr, coarsest.shape, coarsest.field)
    table.append(row)
    for skip in model.skips:
        row = layer_row(f"upscore_{skip.stride}s", getattr(model, f"upscore_{skip.stride}s"), row.shape, row.field)
        source = maps[skip.source]
        finer = layer_row(f"score_{skip.source}", getattr(model, f"score_{skip.source}"), source.shape, source.field)
        height, width = (min(row.shape[axis], finer.shape[axis] - skip.offset) for axis in (2, 3))
        # the sum sees what both see; strides and centres agree, or the network could not have been built
        field = row.field if row.field.size >= finer.field.size else finer.field
        table += [row, finer, join_row(f"fuse_{skip.source}", (1, row.shape[1], height, width), field)]
        row = table[-1]
    row = layer_row("upscore", model.upscore, row.shape, row.field)
    table += [row, join_row("score", (1, row.shape[1], *size), row.field.cropped(model.offset))]
    return table


def summarise(model: FCN, size: tuple[int, int]) -> str:
    """The table as text, with totals, for one picture of `size` (H, W)."""
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
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    left = 3  # the first columns are words
    text = [
        "  ".join(
            cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    text.insert(1, "-" * max(map(len, text)))
    crops = [f"{skip.source} {skip.offset}" for skip in model.skips] + [f"output {model.offset}"]
    return "\n".join(
        [
            *text,
            "",
            f"parameters     {total[0]:,} ({trained:,} trained, {total[0] - trained:,} fixed bilinear)",
            f"multiply-adds  {total[1] / 1e9:,.3f} G for one picture of {size[0]}x{size[1]}",
            f"activations    {total[2] / 2**20:,.1f} MiB, every map above kept once in float32",
            f"crop offsets   {', '.join(crops)}",
        ]
    )
