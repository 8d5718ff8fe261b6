"""The names of Keras's VGG16, whose weights are those of its authors."""

from minifcn.models.preprocessing import Preprocessing
from minifcn.pretrained.names.caffe import VGG16_CONVOLUTIONS
from minifcn.pretrained.names.table import Names

# block1_conv2 is conv1_2
VGG16 = {name.replace("conv", "block").replace("_", "_conv"): f"backbone.{name}" for name in VGG16_CONVOLUTIONS}

TABLES = (
    Names(
        "Keras",
        "vgg16",
        VGG16 | {"fc1": "backbone.fc6", "fc2": "backbone.fc7", "predictions": "classifier"},
        Preprocessing("bgr", (103.939, 116.779, 123.68), 1.0),
        "began from VGG16, trained on ImageNet by its authors (Simonyan and Zisserman 2015), as Keras gives it away",
    ),
)
