"""docs/cheat-sheet.pdf, two pages to print: `python docs/make/cheat_sheet.py` writes it, and `make docs` writes it anew for the site.

The table of FCN-8s is computed from the network. The sizes are functions, which tests hold against the library.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).resolve().parents[1] / "cheat-sheet.pdf"
A4 = (8.27, 11.69)  # inches
BLUE, INK = "#0072B2", "#1f2328"
COLUMNS = (0, 0.165, 0.25, 0.34, 0.52)  # of the network's table, in widths of the page


class Row(NamedTuple):
    """`formula`: matplotlib's mathtext between dollars, or words. `remark`: smaller, below it."""

    name: str
    formula: str
    remark: str = ""


class Size(NamedTuple):
    """A size as it is printed, and as it is computed."""

    row: Row
    compute: Callable[..., int]


SHAPES = [
    Row("pictures, maps", "x:  (N, C, H, W)", "pictures in the batch, channels, rows, columns"),
    Row("convolution", "weight:  (O, C / groups, KH, KW)     bias:  (O,)     result:  (N, O, OH, OW)"),
    Row(
        "transposed",
        "weight:  (C, O / groups, KH, KW)",
        "the first axis is that of its input: the weight of the convolution that it turns round",
    ),
    Row("scores, labels", "scores:  (N, classes, H, W)     labels:  (N, H, W), whole numbers, 255 is void"),
]
SIZES = {
    "conv2d": Size(
        Row("convolution", r"$OH = \lfloor (H + 2p - d\,(k - 1) - 1)\, /\, s \rfloor + 1$", "k kernel, s stride, p padding, d dilation"),
        lambda H, k, s, p, d: (H + 2 * p - d * (k - 1) - 1) // s + 1,
    ),
    "max_pool2d": Size(
        Row("pool, floor", r"$OH = \lfloor (H + 2p - k)\, /\, s \rfloor + 1$", "ceil, as Caffe has it: round up, and leave out a window that begins behind the map"),
        lambda H, k, s, p: (H + 2 * p - k) // s + 1,
    ),
    "conv_transpose2d": Size(
        Row("transposed", r"$OH = s\,(H - 1) + d\,(k - 1) + 1 - 2p$", "plus output_padding, 0 to s - 1, where a convolution has rounded down"),
        lambda H, k, s, p, d: s * (H - 1) + d * (k - 1) + 1 - 2 * p,
    ),
}  # fmt: skip
UPSAMPLING = Row(
    "upsample by f",
    r"$k = 2f$ (or $2f - 1$),  stride $f$;  tap $i$:  $1 - |i - (k - 1)/2|\, /\, f$",
    "a tent in each axis: bilinear interpolation; the weight of a channel reaches that channel alone",
)
FIELD = [
    Row("a window", r"size $\leftarrow$ size $+\ d\,(k - 1) \cdot$ stride", "the stride so far: pixels between neighbouring cells"),
    Row("", r"centre $\leftarrow$ centre $+\ (d\,(k - 1)/2 - p) \cdot$ stride", "of cell 0, in pixels; pixel 0 has its own at 0"),
    Row("", r"stride $\leftarrow$ stride $\cdot\ s$", "last, since the two above use the old one; begin with size 1, centre 0, stride 1"),
    Row("upsampling", r"stride $\leftarrow$ stride $/\ s$,  then  centre $\leftarrow$ centre $-\ (d\,(k - 1)/2 - p) \cdot$ stride", "with the new stride"),
    Row("crop", r"offset $=$ (centre of the smaller map $-$ centre of the larger) $/$ stride", "both of one stride; a whole number, or the maps cannot be joined"),
]  # fmt: skip
GRADIENTS = [
    Row("sum of all x", r"$\partial x = g$ everywhere", "g: the gradient that comes in, shaped like the result"),
    Row("x + y", r"$\partial x = g,\quad \partial y = g$", "where one was broadcast: summed over the axes that were stretched"),
    Row("x · y", r"$\partial x = g \cdot y,\quad \partial y = g \cdot x$"),
    Row("X W", r"$\partial X = g\, W^{T},\quad \partial W = X^{T} g$"),
    Row("relu(x)", r"$\partial x = g$ where $x > 0$, else 0"),
    Row("max pool", "g goes to the winner of its window; windows that share one add up"),
    Row("convolution", r"$\partial x\,[c, s\,i + d\,a - p]$ += $\Sigma_o\, g\,[o, i] \cdot w\,[o, c, a]$", "a transposed convolution of g with the same weight (one axis is written; two go alike)"),
    Row("", r"$\partial w\,[o, c, a] = \Sigma_i\, g\,[o, i] \cdot x\,[c, s\,i + d\,a - p]$,   $\partial b\,[o] = \Sigma_i\, g\,[o, i]$", "over all pictures too"),
    Row("transposed", r"$\partial x$ = the convolution of g with the same weight", "each is the other's adjoint:  conv(a) · b = a · deconv(b)"),
    Row("crop", "g, with zeros around it"),
    Row("dropout", r"$\partial x = g \cdot$ the mask of the forward $/ (1 - $ rate$)$"),
]  # fmt: skip
LOSS = [
    Row("softmax", r"$p_j = e^{s_j - m}\, /\, \Sigma_k\, e^{s_k - m}$,   $m$ the largest score", "subtracted first, or exp overflows"),
    Row("loss of a pixel", r"$-\ln p_y = \ln \Sigma_k\, e^{s_k} - s_y$", "with K classes and zeros as scores ln K; 3.04 for 21"),
    Row("its gradient", r"$\partial s = (p - \mathrm{one\ hot}(y)) \cdot g$", "times g over the pixels that count, for a mean; 0 at void pixels"),
    Row("momentum", r"$v \leftarrow \mu\, v + \partial w + \lambda\, w$,   $w \leftarrow w - \eta\, v$", "a steady slope moves w by up to 1 / (1 - momentum) times a plain step"),
]  # fmt: skip
SCORES = [
    Row("the table", r"$n_{ij}$: pixels of class $i$ that were predicted as $j$", r"$t_i = \Sigma_j\, n_{ij}$ truly of class i;  $u_i = t_i + \Sigma_j\, n_{ji} - n_{ii}$ truly or by prediction"),
    Row("pixel accuracy", r"$\Sigma_i\, n_{ii}\, /\, \Sigma_i\, t_i$"),
    Row("mean accuracy", r"$(1/K)\ \Sigma_i\, n_{ii}\, /\, t_i$"),
    Row("mean IU", r"$(1/K)\ \Sigma_i\, n_{ii}\, /\, u_i$", "of one table for the whole set, not a mean over pictures; void pixels are in no table"),
    Row("f.w. IU", r"$(\Sigma_i\ t_i\, n_{ii}\, /\, u_i)\, /\, \Sigma_k\, t_k$"),
]  # fmt: skip
CHECKS = [
    Row("central difference", r"$(f(x + h) - f(x - h))\, /\, 2h$", "error: truncation grows with h², rounding with 1 / h; weigh the outputs by random numbers first"),
    Row("adjoint test", r"$\langle A x, y \rangle = \langle x, A^{T} y \rangle$", "for linear maps: any x and y, no step to choose"),
    Row("in the library", "mf.gradcheck(f, inputs),  mf.adjoint_check,  minifcn gradcheck", "kinks (ReLU, max pool): a step that crosses one says nothing"),
]  # fmt: skip


def network() -> list[tuple[str, ...]]:
    """FCN-8s over VGG16 with the paper's padding: what its maps see, how large they are, and where they are cut."""
    import minifcn as mf
    from minifcn.models.geometry import crops, fields, sizes
    from minifcn.nn.initialisers import undrawn

    with undrawn():  # only shapes are looked at
        model = mf.models.fcn8s("vgg16", num_classes=21, padding="paper")
    seen, rows, offsets = fields(model), sizes(model, (500, 375)), crops(model)
    found = [("map", "sees", "stride", "H × W of 500 × 375", "cut from it by")]
    joined = {"pool4": "fuse_pool4", "pool3": "fuse_pool3", "upscore": "score"}
    for name in ("pool1", "pool2", "pool3", "pool4", "pool5", "fc7", "upscore_16s", "upscore_8s", "upscore"):
        cut = str(offsets[joined[name]]) if name in joined else ""
        found.append((name, str(seen[name].size), str(seen[name].stride), "{} × {}".format(*rows[name]), cut))
    return found


def offsets() -> list[Row]:
    """Where the paper's three networks cut, computed from their layers."""
    import minifcn as mf
    from minifcn.models.geometry import crops
    from minifcn.nn.initialisers import undrawn

    rows = []
    for stride in (32, 16, 8):
        with undrawn():
            cut = crops(mf.models.FCN("vgg16", stride, num_classes=21, padding="paper"))
        words = {"fuse_pool4": "at pool4", "fuse_pool3": "at pool3", "score": "at the end"}
        rows.append(
            Row(f"FCN-{stride}s", ",   ".join(f"{cut[key]} {said}" for key, said in words.items() if key in cut))
        )
    return rows


def drawn() -> bytes:
    """The PDF: the same bytes whenever the same matplotlib draws it."""
    import matplotlib
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    content = io.BytesIO()
    fonts = {"pdf.fonttype": 42, "mathtext.fontset": "dejavusans", "font.family": "DejaVu Sans"}
    about = {"CreationDate": None, "Title": "minifcn: shapes, sizes, fields, gradients, scores"}
    with matplotlib.rc_context(fonts), PdfPages(content, metadata=about) as pages:
        for blocks in (first_page(), second_page()):
            figure = Figure(figsize=A4)
            fill(figure, blocks)
            pages.savefig(figure)
    return content.getvalue()


def first_page() -> Sequence[tuple[str, Any]]:
    sizes = [size.row for size in SIZES.values()]
    return [
        ("Shapes", SHAPES),
        ("Sizes", [*sizes, UPSAMPLING]),
        ("The field rule, layer by layer", FIELD),
        ("FCN-8s over VGG16, 100 pixels of padding", network()),
        ("Rows and columns cut off", offsets()),
    ]


def second_page() -> Sequence[tuple[str, Any]]:
    return [
        ("Gradients", GRADIENTS),
        ("The loss and a step", LOSS),
        ("Scores", SCORES),
        ("Is a gradient right?", CHECKS),
    ]


def fill(figure: Any, blocks: Sequence[tuple[str, Any]]) -> None:
    """Draw the blocks from the top down. Raises ValueError where they do not fit on the page."""
    left, place = 0.07, 0.955
    for title, rows in blocks:
        figure.text(left, place, title, fontsize=13, color=BLUE, weight="bold", va="top")
        place -= 0.027
        place = (
            table(figure, rows, left, place)
            if rows and not isinstance(rows[0], Row)
            else listed(figure, rows, left, place)
        )
        place -= 0.012
    if place < 0.03:
        raise ValueError(f"cheat sheet: page {blocks[0][0]!r} is too full by {0.03 - place:.3f} of its height")
    figure.text(left, 0.025, "minifcn · lessons/README.md", fontsize=7, color="#666666")


def listed(figure: Any, rows: Sequence[Row], left: float, place: float) -> float:
    for row in rows:
        figure.text(left, place, row.name, fontsize=9, weight="bold", color=INK, va="top")
        figure.text(left + 0.165, place, row.formula, fontsize=9.5, color=INK, va="top")
        place -= 0.0185
        if row.remark:
            figure.text(left + 0.165, place, row.remark, fontsize=7.5, color="#555555", va="top")
            place -= 0.0165
        place -= 0.003
    return place


def table(figure: Any, rows: Sequence[tuple[str, ...]], left: float, place: float) -> float:
    for number, row in enumerate(rows):
        for column, words in zip(COLUMNS, row, strict=True):
            weight = "bold" if number == 0 or column == 0 else "normal"
            figure.text(left + column, place, words, fontsize=9, color=INK, va="top", weight=weight)
        place -= 0.019
    return place


if __name__ == "__main__":
    PAGE.write_bytes(drawn())
    print(PAGE)
