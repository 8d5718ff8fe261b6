"""minifcn eval looks at pictures in the size that the model knows, as predict does."""

import json

from training.helpers import random_model, saved

from minifcn.data import ClassMap, VOCFolder
from minifcn.data.synthetic.painting import SHAPE_CLASSES
from minifcn.training import predict
from minifcn.training.scoring.metrics import confusion


def test_the_size_that_the_model_knows(call, small_set, tmp_path):
    """Pictures of 40x48 looked at as if the model knew 24, 46 and 48 pixels, by the numbers of `predict` at that scale."""
    classes = ClassMap.own(SHAPE_CLASSES, SHAPE_CLASSES[1:4])
    model = random_model(classes=classes)
    val_set = VOCFolder(small_set, "val", classes)

    def scored(known, options=""):
        model.picture_size = known
        file = saved(model, tmp_path / f"{known}.safetensors")
        call(f"eval {file} --data {small_set} --json {tmp_path}/s.json {options}").worked()
        return json.loads((tmp_path / "s.json").read_text())["confusion"]

    def counted(scale):
        return sum(
            confusion(val_set.labels(i), predict(model, val_set.picture(i), scales=(scale,)), len(classes.names))
            for i in range(3)
        ).tolist()

    own, half = counted(1.0), counted(0.5)
    assert own != half
    assert scored(None) == scored(46) == scored(24, "--own-size") == own  # 46 is within a tenth of 48
    assert scored(24) == scored(None, "--size 24") == half
    assert call(f"eval {tmp_path}/24.safetensors --data {small_set} --size 24 --own-size").status == 2
