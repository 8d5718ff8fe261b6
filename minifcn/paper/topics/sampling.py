"""Patches, cells and batches: what section 3.4 says is the same thing, and how a training begins. Identities, no training."""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Any

import numpy as np

from minifcn import backend, nn, ops
from minifcn.autodiff.engine import Tensor
from minifcn.data.labels import VOID
from minifcn.models import build
from minifcn.models.geometry import Field
from minifcn.paper.claims import Outcome, Setting, claim
from minifcn.training.objective import divisor, loss_of
from minifcn.training.recipes import MODERN
from minifcn.training.sampling import patches, pixels_of, sampled

CLASSES = 3
ROUNDING = 1e-12  # relative, of sums of a few thousand float64


def small_net(seed: int, padding: int = 0, whole_numbers: bool = False) -> nn.Sequential:
    """Convolutions and pools of total stride 4, float64; without padding a cell sees 16 pixels. Weights may be small whole numbers."""
    backend.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=padding), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(4, 4, 3, padding=padding), nn.ReLU(), nn.MaxPool2d(2 if padding else 3, 2),
        nn.Conv2d(4, CLASSES, 2),
    ).astype(np.float64)  # fmt: skip
    rng = np.random.default_rng([1, seed])
    for parameter in net.parameters() if whole_numbers else ():
        parameter.data = rng.integers(-1, 2, parameter.shape).astype(np.float64)
    return net


def cross_entropy(scores: Tensor, labels: np.ndarray) -> Tensor:
    """The paper's loss, summed over the cells whose label is not void."""
    return ops.softmax_cross_entropy(scores, labels, reduction="sum")


def squared(scores: Tensor, labels: np.ndarray) -> Tensor:
    """Σ (score - 8·[class = label])² over the cells that are not void: on whole numbers it and its gradient are whole numbers too."""
    wanted = 8.0 * (labels[:, None] == np.arange(CLASSES).reshape(CLASSES, 1, 1))
    miss = (scores - wanted) * (labels[:, None] != VOID).astype(scores.dtype)
    return (miss * miss).sum()


def gradient(net: nn.Module, loss: Tensor) -> np.ndarray:
    """d loss / d every trained parameter, in one row."""
    net.zero_grad()
    loss.backward()
    return np.concatenate([p.grad.reshape(-1) for p in net.parameters() if p.requires_grad])  # type: ignore[union-attr]


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """The largest difference, as a share of the largest value."""
    return float(np.abs(first - second).max() / np.abs(first).max())


def whole_against_patches(net: nn.Sequential, field: Field, loss: Any, seed: int) -> tuple[float, int]:
    """(how far the gradient of the sampled loss on whole pictures is from that on a batch of patches, the number of patches)."""
    rng = np.random.default_rng([2, seed])
    x = rng.integers(-3, 4, (2, 2, 40, 37)).astype(np.float64)
    scores = net(Tensor(x))
    labels = rng.integers(0, CLASSES, (2, *scores.shape[2:])).astype(np.uint8)
    kept = rng.random(labels.shape) < 0.5
    on_whole = gradient(net, loss(scores, np.where(kept, labels, np.uint8(VOID))))
    cut, own = patches(x, labels, field, kept)
    return apart(on_whole, gradient(net, loss(net(Tensor(cut)), own))), len(cut)


def seen_with_shifts(length: int, field: Field) -> set[int]:
    """Where along an axis the patches begin that cells see, if the picture is first shifted by 0 … stride - 1 pixels."""
    stride = int(field.stride)
    return {shift + start for shift in range(stride) for start in range(0, length - shift - field.size + 1, stride)}


@claim(
    "patchwise-is-sampling",
    "3.4",
    "Training on patches is training on whole pictures with a loss that counts some cells only; padding inside the net breaks it.",
)
def patchwise_is_sampling(setting: Setting) -> Outcome:
    """False where the two gradients differ without padding (on whole numbers at all, else beyond rounding), or agree with it."""
    valid, padded = small_net(0), small_net(0, padding=1)
    field = Field().through(valid.layers)
    # with padding inside, one cell comes of a smaller picture than it sees: 8 pixels, two cells of 4 for the last convolution
    cut_field = replace(Field().through(padded.layers), size=8)
    exact, count = whole_against_patches(small_net(0, whole_numbers=True), field, squared, 0)
    real, _ = whole_against_patches(valid, field, cross_entropy, 0)
    broken, _ = whole_against_patches(padded, cut_field, cross_entropy, 0)
    shifted = len(seen_with_shifts(40, field)) * len(seen_with_shifts(37, field))
    all_patches = (40 - field.size + 1) * (37 - field.size + 1)
    return Outcome(
        exact == 0 and real < ROUNDING and broken > 1e-3 and shifted == all_patches,
        f"{count} patches of {field.size} pixels at stride {field.stride} against their cells: the gradients differ by {exact:g} on whole "
        f"numbers and by {real:.0e} of the largest in float64; with padding inside the net by {100 * broken:.0f}%",
        [
            ("net", "loss", "largest difference of the gradients"),
            ("no padding, whole numbers", "squared", f"{exact:g}"),
            ("no padding", "cross-entropy", f"{real:.1e}"),
            ("padding 1 in each 3x3", "cross-entropy", f"{broken:.1e}"),
            ("patches seen with shifts of 0 to 3 pixels", f"of {all_patches}", f"{shifted}"),
        ],
    )


@claim("cells-kept", "4.3", "Each final cell is kept with probability p, independently of the others.")
def cells_kept(setting: Setting) -> Outcome:
    """False where a share kept, or a correlation of draws, is more than four standard errors from p, or from 0."""
    draws, rows, columns, cell = 400, 12, 16, 4
    labels = np.zeros((draws, rows * cell, columns * cell), np.uint8)
    table: list[tuple[str, ...]]
    table, holds = [("p", "share kept", "correlation with the cell beside", "below", "in the next picture")], True
    worst = 0.0
    for p in (0.75, 0.5, 0.25):
        kept = (sampled(labels, p, cell, np.random.default_rng([3, round(100 * p)])) == 0).astype(float)
        whole = kept.reshape(draws, rows, cell, columns, cell)
        holds &= bool((whole.min((2, 4)) == whole.max((2, 4))).all())
        drawn = whole[:, :, 0, :, 0]
        share, error = drawn.mean(), (p * (1 - p) / drawn.size) ** 0.5
        pairs = [(drawn[:, :, 1:], drawn[:, :, :-1]), (drawn[:, 1:], drawn[:, :-1]), (drawn[1:], drawn[:-1])]
        related = [float(np.corrcoef(a.ravel(), b.ravel())[0, 1]) for a, b in pairs]
        off = [abs(share - p) / error, *(abs(r) * a.size**0.5 for r, (a, _) in zip(related, pairs, strict=True))]
        worst = max(worst, *off)
        table.append((f"{p:g}", f"{share:.4f}", *(f"{r:+.4f}" for r in related)))
    return Outcome(
        bool(holds and worst < 4),
        f"{draws * rows * columns:,} cells a p: shares {', '.join(row[1] for row in table[1:])} kept for p = 0.75, 0.5, 0.25; of shares and "
        f"correlations the worst lies {worst:.1f} standard errors from p, or from 0",
        table,
    )


@claim("sum-over-cells", "3", "The gradient of a loss summed over cells is the sum of the gradients of its cells.")
def sum_over_cells(setting: Setting) -> Outcome:
    """False where both, or the losses, differ: on whole numbers at all, else beyond rounding."""
    found = []
    for loss, whole_numbers in ((squared, True), (cross_entropy, False)):
        net = small_net(1, whole_numbers=whole_numbers)
        rng = np.random.default_rng(4)
        x = rng.integers(-3, 4, (1, 2, 32, 36)).astype(np.float64)
        labels = rng.integers(0, CLASSES, net(Tensor(x)).shape[:1] + net(Tensor(x)).shape[2:]).astype(np.uint8)
        whole = loss(net(Tensor(x)), labels)
        value, of_whole = whole.item(), gradient(net, whole)
        total, of_cells = 0.0, np.zeros_like(of_whole)
        for cell in np.ndindex(labels.shape):
            alone = np.full_like(labels, VOID)
            alone[cell] = labels[cell]
            one = loss(net(Tensor(x)), alone)
            total += one.item()
            of_cells += gradient(net, one)
        found.append((abs(total - value) / value, apart(of_whole, of_cells), labels.size))
    (_, _, cells), (real_loss, real, _) = found
    exact = max(found[0][:2])
    return Outcome(
        exact == 0 and max(real, real_loss) < ROUNDING,
        f"{cells} cells, each with a backward of its own, against one backward of the whole: loss and gradient differ by {exact:g} on whole "
        f"numbers, by {real_loss:.0e} and {real:.0e} in float64",
    )


@claim("accumulation", "3.4", "Gradients gathered over several backward passes are those of one larger batch.")
def accumulation(setting: Setting) -> Outcome:
    """False where the training loop's own loss gives another gradient in parts, beyond rounding, summed or averaged."""
    backend.manual_seed(5)
    model = build("fcn8s", backbone="tiny", width=2, num_classes=CLASSES).astype(np.float64)
    rng = np.random.default_rng(5)
    for name, parameter in model.named_parameters():
        if name.startswith("score_"):  # zero scores would leave the trunk without a gradient
            parameter.data = 0.3 * rng.standard_normal(parameter.shape)
    x, labels = rng.standard_normal((4, 3, 48, 64)), rng.integers(0, CLASSES, (4, 48, 64)).astype(np.uint8)
    labels[0, :40] = VOID  # pictures that count unequally tell a right mean from a mean of means

    def parts(size: int, recipe: Any, over: Sequence[float]) -> np.ndarray:
        firsts = range(0, 4, size)
        return sum(
            gradient(model, loss_of(model(Tensor(x[i : i + size])), labels[i : i + size], recipe, weight))
            for i, weight in zip(firsts, over, strict=True)
        )  # type: ignore[return-value]

    table, worst, naive = [("loss", "pictures a pass", "difference from one batch of 4")], 0.0, 0.0
    for name in ("sum", "mean"):
        recipe = replace(MODERN, loss=name)
        over = divisor([labels], recipe)
        large = parts(4, recipe, [over])
        for size in (2, 1):
            off = apart(large, parts(size, recipe, [over] * (4 // size)))
            worst = max(worst, off)
            table.append((name, str(size), f"{off:.1e}"))
    each = [divisor([labels[i : i + 1]], MODERN) * 4 for i in range(4)]
    naive = apart(large, parts(1, MODERN, each))
    table.append(("mean of each picture's mean", "1", f"{naive:.1e}"))
    return Outcome(
        worst < ROUNDING < naive,
        f"FCN-8s over tiny, 4 pictures in 1, 2 or 4 passes: gradients within {worst:.0e} in float64. A mean loss must be divided by the pixels "
        f"of all passes; averaging four means instead is {100 * naive:.0f}% off where a picture is mostly void",
        table,
    )


@claim(
    "zero-scores",
    "4.3",
    "With score layers of zero the loss starts at ln C a pixel, and the first step moves score layers alone.",
)
def zero_scores(setting: Setting) -> Outcome:
    """False where a pixel's first loss is not ln C (the last bit may differ, as logarithms do), or the trunk has a gradient in step one or none in step two."""
    table, holds, totals = [("network", "C", "loss a pixel", "summed", "trunk's gradient", "after a step")], True, []
    for stride, classes in ((32, 2), (16, 9), (8, 21)):
        backend.manual_seed(classes)
        model = build(f"fcn{stride}s", backbone="tiny", width=2, num_classes=classes).astype(np.float64)
        rng = np.random.default_rng(classes)
        x = Tensor(rng.standard_normal((1, 3, 75, 100)))
        labels = rng.integers(0, classes, (1, 75, 100)).astype(np.uint8)
        labels[:, :5] = VOID
        losses = ops.softmax_cross_entropy(model(x), labels, reduction="none").data[labels != VOID]
        gradient(model, cross_entropy(model(x), labels))
        before = largest(model, "backbone.")
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.data = parameter.data - 1e-4 * parameter.grad
        gradient(model, cross_entropy(model(x), labels))
        after = largest(model, "backbone.")
        holds &= bool((abs(losses / log(classes) - 1) < 1e-15).all()) and before == 0 and after > 0
        totals.append(abs(losses.sum() / (losses.size * log(classes)) - 1))
        table.append(
            (
                f"FCN-{stride}s",
                str(classes),
                f"{losses.mean():.4f}",
                f"{losses.sum():.1f}",
                f"{before:g}",
                f"{after:.1g}",
            )
        )
    return Outcome(
        bool(holds and max(totals) < ROUNDING),
        f"FCN-32s, 16s and 8s with 2, 9 and 21 classes: every pixel's loss is ln C, {', '.join(row[2] for row in table[1:])}; the trunk's "
        "gradient is 0 in the first step and not in the second",
        table,
    )


def largest(model: nn.Module, prefix: str) -> float:
    """The largest value in the gradients of the parameters whose names begin so."""
    return max(float(np.abs(p.grad).max()) for name, p in model.named_parameters() if name.startswith(prefix))  # type: ignore[arg-type]


@claim("sampling-is-dropconnect", "3.4", "Leaving cells out of the loss is a DropConnect mask between output and loss.")
def sampling_is_dropconnect(setting: Setting) -> Outcome:
    """False where void labels and a mask of 0 and 1 on the losses differ at all, or the mean over all masks is not p times the whole."""
    p, net = 0.25, small_net(6)
    rng = np.random.default_rng(6)
    x = Tensor(rng.standard_normal((1, 2, 24, 20)))  # 3 x 2 cells
    labels = rng.integers(0, CLASSES, (1, 3, 2)).astype(np.uint8)
    cells, differ, expected = labels.size, 0.0, 0.0
    for number in range(2**cells):
        mask = (number >> np.arange(cells) & 1).astype(bool).reshape(labels.shape)  # its bits
        void = gradient(net, cross_entropy(net(x), np.where(mask, labels, np.uint8(VOID))))
        masked = gradient(net, (ops.softmax_cross_entropy(net(x), labels, reduction="none") * mask.astype(float)).sum())
        differ = max(differ, float(np.abs(void - masked).max()))
        expected = expected + p ** mask.sum() * (1 - p) ** (~mask).sum() * void
    whole = gradient(net, cross_entropy(net(x), labels))
    off = apart(p * whole, np.asarray(expected))
    large = np.zeros((1, 64, 96), np.uint8)
    same = np.array_equal(
        sampled(large, p, 32, np.random.default_rng(7)) == 0,
        pixels_of(np.random.default_rng(7).random((1, 2, 3)) < p, 32, (64, 96)),
    )
    return Outcome(
        differ == 0 and off < ROUNDING and same,
        f"all {2**cells} masks of {cells} cells: void labels and a mask on the losses give gradients {differ:g} apart; weighted with their "
        f"probability at p = {p:g} they sum to p times the whole gradient, within {off:.0e}",
    )
