"""The public classifiers in torch.nn, with torchvision's key names: written from the papers and from the keys, without torchvision."""

import numpy as np
from twins import F, torch

if torch is not None:
    nn = torch.nn

    def vgg16(classes=1000, norm=False):
        layers, channels = [], 3
        for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(count):
                layers += [
                    nn.Conv2d(channels, width, 3, padding=1),
                    *([nn.BatchNorm2d(width)] if norm else []),
                    nn.ReLU(),
                ]
                channels = width
            layers.append(nn.MaxPool2d(2, 2))
        return Sequence(
            layers, 7,
            [nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, classes)],
        )  # fmt: skip

    def alexnet(classes=1000):
        features = [
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        ]  # fmt: skip
        return Sequence(
            features, 6,
            [nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, classes)],
        )  # fmt: skip

    class Sequence(nn.Module):
        """Features, an average pool to a square of `side`, and a classifier."""

        def __init__(self, features, side, classifier):
            super().__init__()
            self.features, self.avgpool = nn.Sequential(*features), nn.AdaptiveAvgPool2d(side)
            self.classifier = nn.Sequential(*classifier)

        def forward(self, x):
            x = self.avgpool(self.features(x))
            return self.classifier(torch.flatten(x, 1))

    class Fire(nn.Module):
        def __init__(self, channels, squeeze, expand):
            super().__init__()
            self.squeeze = nn.Conv2d(channels, squeeze, 1)
            self.expand1x1, self.expand3x3 = nn.Conv2d(squeeze, expand, 1), nn.Conv2d(squeeze, expand, 3, padding=1)

        def forward(self, x):
            x = F.relu(self.squeeze(x))
            return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)

    class SqueezeNet(nn.Module):
        def __init__(self, classes=1000):
            super().__init__()
            pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)  # noqa: E731
            self.features = nn.Sequential(
                nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(), pool(), Fire(64, 16, 64), Fire(128, 16, 64), pool(),
                Fire(128, 32, 128), Fire(256, 32, 128), pool(), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
            )  # fmt: skip
            self.classifier = nn.Sequential(
                nn.Dropout(), nn.Conv2d(512, classes, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
            )

        def forward(self, x):
            return torch.flatten(self.classifier(self.features(x)), 1)

    class Basic(nn.Module):
        def __init__(self, channels, width, *window, **options):
            super().__init__()
            self.conv = nn.Conv2d(channels, width, *window, bias=False, **options)
            self.bn = nn.BatchNorm2d(width, eps=0.001)

        def forward(self, x):
            return F.relu(self.bn(self.conv(x)))

    class Inception(nn.Module):
        def __init__(self, channels, one, three_reduced, three, five_reduced, five, pooled):
            super().__init__()
            self.branch1 = Basic(channels, one, 1)
            self.branch2 = nn.Sequential(Basic(channels, three_reduced, 1), Basic(three_reduced, three, 3, padding=1))
            self.branch3 = nn.Sequential(Basic(channels, five_reduced, 1), Basic(five_reduced, five, 3, padding=1))
            self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), Basic(channels, pooled, 1))

        def forward(self, x):
            return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)

    INCEPTIONS = {
        "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64), "4a": (480, 192, 96, 208, 16, 48, 64),
        "4b": (512, 160, 112, 224, 24, 64, 64), "4c": (512, 128, 128, 256, 24, 64, 64), "4d": (512, 112, 144, 288, 32, 64, 64),
        "4e": (528, 256, 160, 320, 32, 128, 128), "5a": (832, 256, 160, 320, 32, 128, 128), "5b": (832, 384, 192, 384, 48, 128, 128),
    }  # fmt: skip

    class GoogLeNet(nn.Module):
        def __init__(self, classes=1000, auxiliary=True):
            super().__init__()
            self.conv1, self.conv2 = Basic(3, 64, 7, stride=2, padding=3), Basic(64, 64, 1)
            self.conv3 = Basic(64, 192, 3, padding=1)
            for name, row in INCEPTIONS.items():
                setattr(self, f"inception{name}", Inception(*row))
            if auxiliary:
                for name, channels in (("aux1", 512), ("aux2", 528)):
                    part = nn.Module()
                    part.conv, part.fc1, part.fc2 = (
                        Basic(channels, 128, 1),
                        nn.Linear(2048, 1024),
                        nn.Linear(1024, classes),
                    )
                    setattr(self, name, part)
            self.fc = nn.Linear(1024, classes)

        def forward(self, x):
            pool = lambda x, window=3: F.max_pool2d(x, window, 2, ceil_mode=True)  # noqa: E731
            x = pool(self.conv3(self.conv2(pool(self.conv1(x)))))
            x = pool(self.inception3b(self.inception3a(x)))
            for name in ("4a", "4b", "4c", "4d", "4e"):
                x = getattr(self, f"inception{name}")(x)
            x = self.inception5b(self.inception5a(pool(x, 2)))
            return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))

    MAKERS = {"vgg16": vgg16, "alexnet": alexnet, "googlenet": GoogLeNet, "squeezenet": SqueezeNet}


def random_twin(name, seed=0, **options):
    """A network in eval mode whose numbers are all random, batch norms' too, and whose scores are about 1."""
    torch.manual_seed(seed)
    network = MAKERS[name](**options).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if key.endswith("running_var"):
                value.uniform_(0.3, 2.0, generator=generator)
            elif key.endswith("running_mean") or (key.endswith("bias") and value.ndim == 1):
                value.normal_(0, 0.1, generator=generator)
            elif ".bn.weight" in key:
                value.uniform_(0.5, 1.5, generator=generator)
            elif value.ndim > 1:
                value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=generator)
    return network


def pictures(side, seed=1):
    return np.random.default_rng(seed).standard_normal((1, 3, side, side)).astype(np.float32)
