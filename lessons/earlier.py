"""What lessons 08 and 09 wrote and later ones use again: windows, their classifier, and it made convolutional. The same lines; a test compares them."""

import numpy as np

import minifcn as mf
from minifcn import nn, ops
from minifcn.data.synthetic.painting import SHAPE_CLASSES, paint
from minifcn.models.preprocessing import Preprocessing

SIDE = 47


def windows(count, seed):
    """Windows, uint8 (count, SIDE, SIDE, 3), and the label of each one's middle pixel, 0 to 8."""
    rng = np.random.default_rng(seed)
    pixels, classes, margin = [], [], SIDE // 2
    while len(pixels) < count:
        picture, labels = paint((64, 80), rng)
        middles = labels[margin:-margin, margin:-margin]  # windows round these lie in the picture
        for label in np.unique(middles[middles != 255]):
            rows, columns = np.nonzero(middles == label)
            for place in rng.integers(len(rows), size=2 if label else 1):
                top, left = rows[place], columns[place]
                pixels.append(picture[top : top + SIDE, left : left + SIDE])
                classes.append(label)
    return np.array(pixels[:count]), np.array(classes[:count])


class Flatten(nn.Module):
    def forward(self, x):
        return ops.reshape(x, (x.shape[0], -1))  # (N, C, H, W) -> (N, C·H·W)


def new_classifier():
    return nn.Sequential(
        nn.Conv2d(3, 12, 5, stride=2), nn.ReLU(),
        nn.Conv2d(12, 24, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 48, 3), nn.ReLU(), nn.MaxPool2d(2),
        Flatten(), nn.Linear(48 * 4 * 4, 96), nn.ReLU(),
        nn.Linear(96, len(SHAPE_CLASSES)),
    )  # fmt: skip


def train(classifier, pixels, classes, steps=300, batch=32, rate=3e-3, seed=0):
    """Train in place on random batches, mirrored and turned at random; the loss of every step."""
    rng, x, losses = np.random.default_rng(seed), Preprocessing()(pixels), []
    optimiser = mf.optim.Adam(classifier.parameters(), lr=rate)
    for step in range(steps):
        chosen = rng.integers(len(x), size=batch)
        seen = x[chosen]
        if rng.random() < 0.5:
            seen = seen[:, :, ::-1]  # upside down: a shape stays that shape
        if rng.random() < 0.5:
            seen = seen.transpose(0, 1, 3, 2)  # rows and columns exchanged
        loss = ops.softmax_cross_entropy(classifier(seen), classes[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.lr = rate * (1 - step / steps)  # smaller and smaller steps
        optimiser.step()
        losses.append(float(loss.data))
    return losses


def trained_classifier(count=2000, **options):
    """The classifier as lesson 08 trains it."""
    mf.manual_seed(0)
    classifier = new_classifier()
    train(classifier, *windows(count, seed=0), **options)
    return classifier


def convolutional(classifier, channels=48, side=4):
    """A convolution in place of each fully connected layer: same weights, in the same memory."""
    layers = []
    for layer in classifier.layers:
        if isinstance(layer, nn.Linear):
            outputs = len(layer.weight.data)
            convolution = nn.Conv2d(channels, outputs, side)
            convolution.weight.data = layer.weight.data.reshape(outputs, channels, side, side)
            convolution.bias.data = layer.bias.data
            layer, channels, side = convolution, outputs, 1  # what follows meets a single cell
        if not isinstance(layer, Flatten):
            layers.append(layer)
    return nn.Sequential(*layers)
