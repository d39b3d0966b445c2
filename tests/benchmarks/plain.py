"""The networks of the benchmarks as an expert writes them by hand: modules of torch, nothing of akidlab."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def lenet() -> nn.Module:
    """LeNet, with the padding of TensorFlow (one more at the bottom and right of the second pooling)."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(5, 2, padding=1, ceil_mode=True),
        nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10),
    )  # fmt: skip


def chain(pairs: int = 50, size: int = 16) -> nn.Module:
    """Layers so small that what calls them is what counts."""
    return nn.Sequential(*[m for _ in range(pairs) for m in (nn.Linear(size, size), nn.ReLU())])


class Unit(nn.Module):
    """A wide residual unit that normalises and fires first."""

    def __init__(self, given: int, out: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(given)
        self.conv1 = nn.Conv2d(given, out, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.shortcut = None if given == out else nn.Conv2d(given, out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        fired = torch.relu(self.bn1(x))
        value = self.conv2(torch.relu(self.bn2(self.conv1(fired))))
        return value + (x if self.shortcut is None else self.shortcut(fired))


class WideResNet(nn.Module):
    """The wide residual network for CIFAR."""

    def __init__(self, depth: int = 28, width: int = 2, class_num: int = 10) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        units, given = [], 16
        for stage, out in enumerate([16 * width, 32 * width, 64 * width]):
            for unit in range((depth - 4) // 6):
                units.append(Unit(given, out, 2 if stage and not unit else 1))
                given = out
        self.units = nn.Sequential(*units)
        self.bn = nn.BatchNorm2d(given)
        self.ip = nn.Linear(given, class_num)
        self.decayed = [weight for weight in self.parameters() if weight.dim() > 1]

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn(self.units(self.conv0(x))))
        return self.ip(F.avg_pool2d(x, 8).flatten(1))

    def decay(self, scale: float = 5e-4) -> Tensor:
        """What its weights cost, biases and normalisations left out."""
        costs = [weight.square().sum() / 2 for weight in self.decayed]
        return scale * sum(costs[1:], costs[0])
