"""The names of Keras's VGG16, whose weights are those of its authors."""

from minifcn.models.preprocessing import Preprocessing
from minifcn.pretrained.names.caffe import VGG16_CONVOLUTIONS
from minifcn.pretrained.names.table import Names

# block1_conv2 is conv1_2
VGG16 = {name.replace("conv", "block").replace("_", "_conv"): f"backbone.{name}" for name in VGG16_CONVOLUTIONS}

ENDS = {"fc1": "backbone.fc6", "fc2": "backbone.fc7", "predictions": "classifier"}
# TensorFlow 2.13 to 2.15 and Keras 3.0 number the layers of a kind, conv2d, conv2d_1, …, and keep no names beside them
COUNTED = {
    kind + (f"_{number}" if number else ""): ours
    for kind, layers in (("conv2d", VGG16), ("dense", ENDS))
    for number, ours in enumerate(layers.values())
}

TABLES = tuple(
    Names(
        "Keras",
        "vgg16",
        layers,
        Preprocessing("bgr", (103.939, 116.779, 123.68), 1.0),
        "began from VGG16, trained on ImageNet by its authors (Simonyan and Zisserman 2015, Creative Commons Attribution), as Keras gives it away",
    )
    for layers in (VGG16 | ENDS, COUNTED)
)
