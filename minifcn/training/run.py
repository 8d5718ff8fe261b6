"""A whole run: one stage after the other, each trained, scored and saved; continued where it stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from minifcn import backend
from minifcn.data import ClassMap, VOCFolder
from minifcn.models import FCN, build, save, transplant
from minifcn.models.preprocessing import Preprocessing
from minifcn.models.saving import from_arrays, model_header
from minifcn.models.surgery import Transplant
from minifcn.nn.optim import Optimiser
from minifcn.training.errors import TrainingError
from minifcn.training.finetune import grown_from, notes_of_start
from minifcn.training.fit import training
from minifcn.training.hints import about_learning_by_heart, about_loss, about_scores
from minifcn.training.interrupt import finish_the_step
from minifcn.training.loop import Step
from minifcn.training.options import Begun, Options, Start
from minifcn.training.runs.config import Config
from minifcn.training.runs.fingerprint import fingerprint
from minifcn.training.runs.folder import RunFolder
from minifcn.training.scoring.evaluate import evaluate
from minifcn.training.scoring.watch import Point, Watch

CHECKPOINT_SECONDS = 20.0  # at most so much work is lost when a run is killed


class Listener:
    """What a run tells while it goes on. The command line draws bars from it; by itself it says nothing."""

    def say(self, line: str) -> None: ...

    def detail(self, line: str) -> None:
        """What only who asks for it wants to read."""

    def stage_begins(self, stage: str, steps: int, done: int) -> None: ...

    def stepped(self, stage: str, step: Step) -> None: ...

    def looked(self, stage: str, point: Point) -> None:
        """Called with the scores on the way, whenever they were taken."""

    def stage_ends(self, stage: str) -> None: ...

    def scoring(self, stage: str, pictures: int) -> Callable[[], Any]:
        """Called before the pictures are scored; what it returns is called once a picture."""
        return lambda: None

    def scored(self, stage: str, metrics: dict[str, Any]) -> None: ...

    def look(self, stage: str, step: Step, model: FCN) -> None:
        """Called after every step, with the network as it stands."""


class Place(NamedTuple):
    """Where a run stands: `step` steps of stage number `stage` are done."""

    stage: int = 0
    step: int = 0
    best: float = -1.0


@dataclass
class Run:
    """What a run works with, from its first stage to its last."""

    config: Config
    train_set: VOCFolder
    val_set: VOCFolder
    folder: RunFolder
    listener: Listener = field(default_factory=Listener)
    options: Options = field(default_factory=Options)


def run(
    config: Config,
    train_set: VOCFolder,
    val_set: VOCFolder,
    folder: RunFolder,
    device: str,
    listener: Listener | None = None,
    options: Options | None = None,
) -> dict[str, Any]:
    """Train and score every stage of `config`, from the checkpoint in `folder` on if there is one. Returns the metrics.

    The run folder begins here, once the first network could be built. Files appear as they are ready: last.safetensors with each
    checkpoint and on Ctrl-C, scores.csv with the scores on the way, a model and scores a stage. best.safetensors is the model of the stage
    with the highest mean IU on the whole validation split at its end: the scores on the way, which are of a few pictures, choose nothing.
    """
    this = Run(config, train_set, val_set, folder, listener or Listener(), options or Options())
    if folder.data is None:
        for note in folder.agree(config, lambda: fingerprints(train_set, val_set)):
            this.listener.say(note)
    model, optimiser, place = restore(config, folder, device, this.listener, this.options.start)
    folder.begin(config)
    metrics = {name: scores for name, scores in folder.read_metrics().items() if name in config.stages[: place.stage]}
    folder.start_log(config.stages, place.stage, place.step)
    while True:
        train_stage(this, model, optimiser, place)
        best = score_stage(this, model, place, metrics)
        place = Place(place.stage + 1, 0, max(best, place.best))
        if place.stage == len(config.stages):
            return metrics
        model = next_model(config, model, place.stage, this.listener).to(device)
        optimiser = config.stage_recipe(place.stage).optimiser(model)
        write_checkpoint(config, folder, model, optimiser, place)


def score_stage(this: Run, model: FCN, place: Place, metrics: dict[str, Any]) -> float:
    """Score a stage that is trained on the whole validation split, add that to `metrics`, save the model. Returns the mean IU."""
    folder, listener, stage = this.folder, this.listener, this.config.stages[place.stage]
    metrics[stage] = evaluate(model, this.val_set, listener.scoring(stage, len(this.val_set)))
    listener.scored(stage, metrics[stage])
    for hint in hints_of(this.config, folder.read_log(), stage, metrics[stage], folder.read_scores()):
        listener.say(hint)
    save(model, folder.path / f"{stage}.safetensors")
    best = metrics[stage]["mean_iu"] or 0.0
    if best > place.best:
        save(model, folder.best)
    folder.write_metrics(metrics)
    return best


def train_stage(this: Run, model: FCN, optimiser: Optimiser, place: Place) -> None:
    """The steps of one stage that are still to do, with a log row each and a checkpoint every so often. KeyboardInterrupt on Ctrl-C."""
    config, folder, listener, options = this.config, this.folder, this.listener, this.options
    stage = config.stages[place.stage]
    listener.stage_begins(stage, config.steps, place.step)
    every = CHECKPOINT_SECONDS if options.checkpoint_every is None else options.checkpoint_every
    waiting: list[Step] = []
    saved = time.perf_counter()

    def write_down(step: Step) -> None:
        nonlocal waiting, saved
        # the log first: rows beyond a checkpoint are dropped on resume, missing ones would be lost
        folder.append_log(stage, waiting)
        write_checkpoint(config, folder, model, optimiser, place._replace(step=step.step))
        if step.step < config.steps:
            save(model, folder.last)
        waiting, saved = [], time.perf_counter()

    def look_at(point: Point) -> None:
        folder.append_scores(stage, point)
        listener.looked(stage, point)

    def after(step: Step) -> bool:
        waiting.append(step)
        listener.stepped(stage, step)
        watch(step)
        listener.look(stage, step, model)
        # a checkpoint holds the weights of its step: not while they are ahead of it, which GPU training is between two readings
        if not step.ahead and (request.asked or time.perf_counter() - saved > every or step.step == config.steps):
            write_down(step)
        return request.asked

    pictures = config.training_pictures(this.train_set)
    watch = Watch(model, this.train_set, this.val_set, steps=config.steps, every=options.val_every, told=look_at)
    with finish_the_step() as request:
        if place.step < config.steps:
            for _ in training(
                model,
                pictures,
                config.stage_recipe(place.stage),
                steps=config.steps,
                callbacks=[after],
                seed=config.seed,
                begun=Begun(stage, optimiser, place.step, place.stage * config.steps),
                options=options,
                say=listener.say,
            ):
                pass  # `after` has written it down
        if request.asked:
            raise KeyboardInterrupt
    save(model, folder.last)  # here, so that a run killed after its last checkpoint has it too once resumed
    listener.stage_ends(stage)


def fingerprints(train_set: VOCFolder, val_set: VOCFolder) -> dict[str, Any]:
    """What a run folder keeps of its data, to know it again."""
    return {"train": fingerprint(train_set), "val": fingerprint(val_set)}


def hints_of(
    config: Config, rows: list[dict[str, Any]], stage: str, scores: dict[str, Any], points: list[dict[str, Any]]
) -> list[str]:
    """What looks wrong in a stage, in sentences. `rows`: the log. `points`: the scores on the way."""
    mine, ours = ([row for row in each if row["stage"] == stage] for each in (rows, points))
    hints = about_loss(mine, len(config.classes["names"]), config.recipe.loss == "sum")
    if any(row.get("pixels") != 0 for row in mine):  # else nothing was learned, and that was said
        hints += about_scores(scores) + about_learning_by_heart(ours)
    return [f"{stage}: {hint}" for hint in hints]


def is_finished(config: Config, folder: RunFolder) -> bool:
    """Every stage has its scores."""
    return list(folder.read_metrics()) == list(config.stages)


def restore(config: Config, folder: RunFolder, device: str, listener: Listener, start: Start = None) -> tuple[FCN, Optimiser, Place]:  # fmt: skip
    """The model, optimiser and place of the checkpoint, or of a fresh start."""
    found = folder.load_checkpoint(config)
    if found is None:
        model = first_model(config, listener, start).to(device)
        return model, config.stage_recipe(0).optimiser(model), Place()
    arrays, header = found
    place = Place(*header["place"])
    try:
        model = from_arrays(named("model.", arrays), header["model"]).to(device)
        optimiser = config.stage_recipe(place.stage).optimiser(model)
        optimiser.load_state_dict(named("optimiser.", arrays))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise folder.no_checkpoint(error) from error
    listener.say(f"resumed from step {place.step} of {config.stages[place.stage]}")
    return model, optimiser, place


def write_checkpoint(config: Config, folder: RunFolder, model: FCN, optimiser: Optimiser, place: Place) -> None:
    """Raises TrainingError, and keeps the checkpoint before, where a weight is no longer finite."""
    for name, parameter in model.named_parameters():
        if not backend.array_module(parameter.data).isfinite(parameter.data).all():
            raise TrainingError(
                f"{config.stages[place.stage]}: after step {place.step} {name} holds NaN or infinity; the checkpoint before it is kept. "
                "Try a learning rate ten times smaller"
            )
    arrays = {f"model.{name}": array for name, array in model.state_dict().items()}
    arrays |= {f"optimiser.{name}": array for name, array in optimiser.state_dict().items()}
    folder.save_checkpoint(arrays, {"model": model_header(model), "place": place})


def named(prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def first_model(config: Config, listener: Listener, given: Start = None) -> FCN:
    """The network of the first stage: random weights from the seed, those of --init (`given`: read already), or the trunk of --trunk."""
    model = new_model(config, 0)
    if config.init:
        from minifcn.pretrained import load_start  # its formats load much

        start = given() if given else load_start(config.init)
        model.notes, model.preprocessing = notes_of_start(start.notes), start.preprocessing
        tell(listener, f"{config.stages[0]} from {config.init}", config.stages[0], begun_from(start, model, config))
    elif config.trunk:
        from minifcn.pretrained import load_pretrained

        classifier = load_pretrained(config.trunk)
        model.notes, model.preprocessing = dict(classifier.notes), classifier.preprocessing
        tell(listener, f"trunk from {config.trunk}", config.stages[0], grown_from(classifier, model, config.trunk))
    else:
        model.preprocessing = Preprocessing()  # what random weights are drawn for, whatever the trunk's authors gave it
    return model


def begun_from(start: FCN, model: FCN, config: Config) -> Transplant:
    """Write the weights of --init into `model`."""
    try:
        return transplant(start, model, loosely=True)
    except ValueError as error:
        words = "{backbone}, width {width}".format
        asked, there = (words(**m.architecture).replace(", width None", "") for m in (model, start))
        raise TrainingError(
            f"--init {config.init}: its network ({there}) does not fit the one asked for ({asked}): {error}. Leave out --backbone and "
            "--width, which the file knows, or start without --init"
        ) from error


def next_model(config: Config, coarser: FCN, number: int, listener: Listener) -> FCN:
    """The network of stage `number`, started from the one before: its new skips are zero, so it predicts almost the same."""
    finer = new_model(config, number)
    finer.notes, finer.preprocessing = dict(coarser.notes), coarser.preprocessing
    stage, before = config.stages[number], config.stages[number - 1]
    tell(listener, f"{stage} from {before}", stage, transplant(coarser.to("cpu"), finer))
    return finer


def tell(listener: Listener, what: str, stage: str, done: Transplant) -> None:
    """What became of the weights: what is new in one line, every name only for who asks."""
    listener.say(f"{what}: {done.in_words(stage)}")
    listener.detail(f"{what}: {done}")


def new_model(config: Config, number: int) -> FCN:
    backend.manual_seed((1, config.seed, number))  # 1: weights; the loop draws dropout from 2
    classes = ClassMap.from_dict(config.classes)
    model = build(
        config.stages[number],
        backbone=config.backbone,
        width=config.width,
        padding=config.padding,
        fusion=config.fusion,
        learn_upsampling=config.learn_upsampling,
        num_classes=len(classes.names),
        class_names=classes.names,
        classes=config.classes,
    )
    model.picture_size, model.picture_bits = config.picture_size, config.bits
    return model
