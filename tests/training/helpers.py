"""Small sets, small models and runs that stop where a test wants: for the tests of training and of the command line."""

import dataclasses
import importlib
import os
from pathlib import Path

import numpy as np
from PIL import Image

from minifcn import backend, no_grad
from minifcn.cli.progress import Progress
from minifcn.data import ClassMap, VOCFolder, make_synthetic, read_class_names, write_labels
from minifcn.models import build, save
from minifcn.training import Config, Listener, Recipe, RunFolder, is_finished, run
from minifcn.training.recipes import MODERN
from minifcn.weights import load_arrays

# by its path: `minifcn.training.run` is the function of that name
RUN_MODULE = importlib.import_module("minifcn.training.run")
STAGES = ("fcn32s", "fcn16s", "fcn8s")


def make_small_set(root):
    """Six pictures to train on and three to score, 40x48, nine classes."""
    return make_synthetic(root, train=6, val=3, size=(40, 48), seed=3)


def write_set(root, pairs, val=2, name="photo{}"):
    """A folder in VOC layout from (picture, labels) pairs; the last `val` of them are its val split."""
    root = Path(root)
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    names = [name.format(number) for number in range(len(pairs))]
    for name, (picture, labels) in zip(names, pairs, strict=True):
        Image.fromarray(picture).save(root / "JPEGImages" / f"{name}.jpg", quality=95)
        write_labels(root / "SegmentationClass" / f"{name}.png", labels)
    for split, listed in (("train", names[:-val]), ("val", names[-val:])):
        (root / "ImageSets/Segmentation" / f"{split}.txt").write_text("".join(f"{name}\n" for name in listed))
    return root


def three_stripes(seed, values, colours=((60, 90, 230), (40, 160, 40), (220, 50, 50)), size=(36, 44)):
    """A picture of three upright stripes of random widths, with a void line between them, and its labels."""
    rng = np.random.default_rng(seed)
    width = size[1]
    first, second = sorted(rng.choice(np.arange(8, width - 8, 4), 2, replace=False))
    labels = np.full(size, values[1], np.uint8)
    labels[:, :first], labels[:, second:] = values[0], values[2]
    picture = np.zeros((*size, 3), np.uint8)
    for value, colour in zip(values, colours, strict=True):
        picture[labels == value] = colour
    labels[:, first], labels[:, second] = 255, 255
    noise = rng.integers(-12, 13, (*size, 3))
    return np.clip(picture + noise, 0, 255).astype(np.uint8), labels


def config_for(root, **changes):
    """The smallest run over a set with a class_names.txt: three stages of three steps."""
    classes = ClassMap.own(read_class_names(Path(root) / "class_names.txt"))
    options = dict(width=2, size=32, batch=2, steps=3, seed=1) | changes
    fields = {field.name for field in dataclasses.fields(Recipe)}
    recipe = dataclasses.replace(MODERN, **{name: options.pop(name) for name in fields & options.keys()})
    return Config(
        data=str(root), train_split="train", val_split="val", classes=classes.to_dict(), recipe=recipe, **options
    )


def run_in(path, config, listener=None, device="cpu", options=None):
    """What `minifcn train --resume` does in the folder `path`, without the printing."""
    folder = RunFolder(path)
    folder.claim(resume=True)
    classes = ClassMap.from_dict(config.classes)
    sets = [VOCFolder(config.data, split, classes, config.limit) for split in (config.train_split, config.val_split)]
    folder.begin(config)
    if is_finished(config, folder):
        return folder.read_metrics()
    return run(config, *sets, folder, device, listener, options)


class Killed(BaseException):
    """Stands for the end of the process: nobody catches it."""


class StopAt(Listener):
    """Raises Killed at the event number `number`, counted from 0; remembers what was said."""

    def __init__(self, number=None):
        self.number, self.events, self.said = number, [], []

    def event(self, name):
        self.events.append(name)
        if len(self.events) - 1 == self.number:
            raise Killed(name)

    def say(self, line):
        self.said.append(line)

    def stage_begins(self, stage, steps, done):
        self.event(f"{stage} begins")

    def stepped(self, stage, step):
        self.event(f"{stage} step {step.step}")

    def stage_ends(self, stage):
        self.event(f"{stage} ends")

    def scoring(self, stage, pictures):
        return lambda: self.event(f"{stage} picture scored")

    def scored(self, stage, metrics):
        self.event(f"{stage} scored")


def kill_before_replacement(monkeypatch, number):
    """From now on the renaming number `number`, counted from 0, of a finished file to its name ends the process."""
    replaced, replace = [], os.replace

    def count(source, target):
        if len(replaced) == number:
            raise Killed(str(target))
        replaced.append(target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", count)
    return replaced


def arrays_of(path):
    return load_arrays(path)[0]


def same_arrays(first, second):
    """Both have the same names, and every array the same bits."""
    assert first.keys() == second.keys() and len(first) > 0
    for name, array in first.items():
        assert array.dtype == second[name].dtype and array.shape == second[name].shape, name
        assert array.tobytes() == second[name].tobytes(), f"{name} differs"


def random_model(arch="fcn8s", classes=None, **options):
    """An untrained network that predicts each of its classes somewhere in a noisy picture."""
    if classes is not None:
        options |= dict(num_classes=len(classes.names), class_names=classes.names, classes=classes.to_dict())
    picture = np.random.default_rng(4).integers(0, 256, (30, 44, 3)).astype(np.uint8)
    for seed in range(100):
        backend.manual_seed((seed, 1))
        model = build(arch, backbone="tiny", **{"width": 2, "num_classes": 4, **options}).eval()
        heads = [p for name, p in model.named_parameters() if name.startswith("score_")]
        rng = np.random.default_rng(seed)
        for parameter in heads:
            parameter.data[...] = rng.standard_normal(parameter.shape)
        with no_grad():
            # the scores of a class follow its rows of the score layers: give every class the same spread and mean
            spread = model(model.preprocessing(picture)).data.std((0, 2, 3)) + 1e-9
            for parameter in heads:
                parameter.data /= spread.reshape(-1, *[1] * (parameter.ndim - 1))
            model.score_fr.bias.data -= model(model.preprocessing(picture)).data.mean((0, 2, 3))
            found = model(model.preprocessing(picture)).data.argmax(1)
        if min((found == number).mean() for number in range(len(model.class_names))) > 0.04:
            return model
    raise AssertionError("no random model predicts all classes")


def constant_model(classes, chosen):
    """A network that predicts class number `chosen` everywhere."""
    model = build(
        "fcn32s", backbone="tiny", width=2, num_classes=len(classes.names), class_names=classes.names,
        classes=classes.to_dict(),
    )  # fmt: skip
    model.score_fr.bias.data[chosen] = 5
    return model.eval()


def saved(model, path):
    save(model, path)
    return path


def listing(path):
    return {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def stop_at(monkeypatch, stage, number, error):
    """The run ends with `error` once the step `number` of `stage` is done."""
    stepped = Progress.stepped

    def stop(self, name, step):
        stepped(self, name, step)
        if (name, step.step) == (stage, number):
            raise error

    monkeypatch.setattr(Progress, "stepped", stop)
    monkeypatch.setattr(RUN_MODULE, "CHECKPOINT_SECONDS", 0)


def truth_share(root, value):
    """The share of `value` among the labelled pixels of the val split."""
    names = (root / "ImageSets/Segmentation/val.txt").read_text().split()
    labels = np.concatenate([np.array(Image.open(root / "SegmentationClass" / f"{n}.png")).ravel() for n in names])
    return (labels == value).sum() / (labels != 255).sum()
