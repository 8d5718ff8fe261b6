"""Training from Python: `fit(model, data, steps=300)` gives a history that a notebook can draw. The command line trains through it too."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from minifcn.data import Batches
from minifcn.data.dataset import Dataset, check_dataset
from minifcn.kernels.whole import whole
from minifcn.models import FCN
from minifcn.names import instead
from minifcn.training.errors import TrainingError
from minifcn.training.hints import about_loss, about_scores
from minifcn.training.loop import Step, train
from minifcn.training.options import Begun, Options
from minifcn.training.processes.mpi import together_by_mpi
from minifcn.training.processes.together import together
from minifcn.training.recipes import MODERN, Recipe, named_recipe
from minifcn.training.scoring.evaluate import check_fits, evaluate

Callback = Callable[[Step], Any]


@dataclass
class History:
    """What a training did: a row a step (`stage` and the fields of `Step`), and the scores.

    `minifcn.draw.curves.loss_curve(history.rows, num_classes)` draws it. `hints` are sentences about what looks wrong.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    scores: dict[str, Any] | None = None
    hints: list[str] = field(default_factory=list)

    @property
    def losses(self) -> list[float]:
        return [row["loss"] for row in self.rows]


def fit(
    model: FCN,
    data: Dataset,
    recipe: str | Recipe = MODERN,
    *,
    steps: int,
    validation: Dataset | None = None,
    callbacks: Iterable[Callback] = (),
    seed: int = 0,
    begun: Begun | None = None,
    options: Options | None = None,
    say: Callable[[str], Any] = print,
    **changes: Any,
) -> History:
    """Train `model` in place on `data` for `steps` steps, and score it on `validation` if that is given.

    The plain loop is in `training/simple.py`; this one does the same, and more.

    `data`: anything with a length, `picture(i)` uint8 (H, W, 3) and `labels(i)` uint8 (H, W), such as a VOCFolder. `recipe`: a Recipe or
    the name of a preset; any of its fields may be given by name, as in `fit(model, data, steps=100, lr=0.1, batch=4)`. `callbacks`:
    each is called with every Step; one that returns True ends the training after it, or after the last step that a GPU was asked for by
    then; a `Watch` scores training and validation pictures on the way. `begun`: where a training goes on that was stopped. `options`: of these
    `processes` and `graph` count here and may be given by name too: how many processes share each batch, on a GPU each with a GPU of its own
    (a script that asks for more than one begins with `if __name__ == "__main__":`); and whether one GPU captures the step in a CUDA graph;
    `say` is told where that cannot be.
    Raises TrainingError where the recipe makes no sense or the loss is no number.

    >>> import minifcn as mf, numpy as np
    >>> class Stripes:
    ...     def __len__(self): return 4
    ...     def labels(self, i): return np.repeat(np.eye(2, dtype=np.uint8)[i % 2], 32)[None].repeat(64, 0)
    ...     def picture(self, i): return np.repeat(200 * self.labels(i)[..., None], 3, 2)
    >>> model = mf.models.fcn8s(backbone="tiny", width=2, num_classes=2)
    >>> history = fit(model, Stripes(), steps=3, batch=2, size=64)
    >>> len(history.losses), round(history.losses[0], 4)  # ln 2: the score layers start at zero
    (3, 0.6931)
    """
    if not isinstance(model, FCN):
        raise TypeError(f"fit: the model is a {type(model).__name__}; expected an FCN")
    check_fits("fit", model)
    for each in (data, validation):
        if each is not None or each is data:
            check_dataset("fit", each)
    begun, options = begun or Begun(), options or Options()
    options = replace(options, **{name: changes.pop(name) for name in ("processes", "graph") if name in changes})
    if isinstance(recipe, str):
        if recipe == "paper-mean" and not {"lr", "weight_decay"} <= set(changes):  # both go with the pixels
            raise TrainingError(
                'fit: "paper-mean" depends on the pictures; give RECIPE.mean_of(pixels) of recipes.PAPER'
            )
        recipe = named_recipe(recipe, 1.0)
    elif not isinstance(recipe, Recipe):
        raise TypeError(f"fit: recipe is a {type(recipe).__name__}; expected a Recipe or the name of one")
    for name in changes:
        if name not in recipe.to_dict():
            raise TrainingError(f"fit: a recipe has no {name}{instead(name, recipe.to_dict())}")
    recipe = replace(recipe, **changes)
    if "momentum" in changes and recipe.optimizer == "adam":
        raise TrainingError("fit: momentum is of SGD, and the optimizer is adam, which has none: leave it out")
    history = History()
    for step in training(
        model, data, recipe, steps=steps, callbacks=callbacks, seed=seed, begun=begun, options=options, say=say
    ):
        history.rows.append(step.row(begun.stage))
    history.hints = about_loss(history.rows, len(model.class_names), recipe.loss == "sum")
    if validation is not None:
        history.scores = evaluate(model, validation)
        history.hints += about_scores(history.scores)
    return history


def training(
    model: FCN,
    data: Dataset,
    recipe: Recipe,
    *,
    steps: int,
    callbacks: Iterable[Callback],
    seed: int,
    begun: Begun,
    options: Options,
    say: Callable[[str], Any],
) -> Iterator[Step]:
    """The steps of `fit`, each given to the callbacks and then to the caller. None is kept here: a long training takes no more memory."""
    if not whole(steps) or steps < 1:
        raise TrainingError(f"fit: steps is {steps!r}; expected an integer of at least 1")
    count = options.processes
    if count != "mpi" and (not str(count).isdecimal() or int(count) < 1):
        raise TrainingError(f"fit: processes is {count!r}; expected an integer of at least 1, or 'mpi'")
    weights = recipe.class_weights
    if weights is not None and len(weights) != len(model.class_names):
        raise TrainingError(
            f"fit: class_weights has {len(weights)} numbers, and the network {len(model.class_names)} classes; give one a class"
        )
    batches = batches_of(data, recipe, seed, model.preprocessing.fill)
    optimiser, callbacks = begun.optimiser or recipe.optimiser(model), list(callbacks)
    job: dict[str, Any] = dict(
        model=model, batches=batches, optimiser=optimiser, recipe=recipe, steps=steps, seed=seed, start=begun.start, first_batch=begun.first_batch
    )  # fmt: skip
    device = next(model.parameters()).device
    sharing = (
        together_by_mpi(device, train, job)
        if options.processes == "mpi"
        else together(int(options.processes), device, train, job)
    )
    with sharing as group:
        running, stop = train(**job, group=group, graph=options.graph, say=say), False
        for step in running:
            answers = [callback(step) for callback in callbacks]
            yield step
            stop = stop or any(answers)
            if stop and not step.ahead:
                running.close()
                break
    model.eval()


def batches_of(data: Dataset, recipe: Recipe, seed: int, fill: tuple[int, int, int]) -> Batches:
    """The batches that a training with `recipe` sees."""
    return Batches(
        data,
        recipe.batch,
        recipe.size,
        seed,
        fill,
        augmentation=recipe.augmentation,
        balance=recipe.balance,
    )
