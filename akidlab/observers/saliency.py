"""Why it answers so: the gradient of an answer by the pixels, and what hiding parts of it does."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from akidlab.errors import DataError
from akidlab.exporter.tree import unwrapped
from akidlab.observers.passing import infer, looking, samples_for

BATCH = 64  # hidden places looked at together


def saliency(module: nn.Module, sample: Any, target: int | None = None) -> np.ndarray:
    """How much each pixel would change the answer: the gradient of a class's logit by the image.

    Its size is taken, the largest over the channels. Gradients of parameters stay as they are.

    Args:
        module: a brain, or a torch module, that classifies.
        sample: one sample, `[channels, height, width]` or `[numbers]`, or a batch of one.
        target: the class whose logit is asked for; by default the most likely one.

    Returns:
        float32, `[height, width]`, or `[numbers]` for a sample that is no image; none is below zero.

    Raises:
        DataError: if this is no sample, there is no such class, or the answer does not depend on it smoothly.

    References:
        Simonyan, Vedaldi & Zisserman 2014, Deep inside convolutional networks.

    Example:
        >>> saliency(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.ones(1, 2, 2)).shape
        (2, 2)
    """
    network = unwrapped(module)
    with looking(network), torch.enable_grad():
        inputs = _one(network, sample).requires_grad_()
        logits = infer(network, inputs)
        logit = _logits(logits, target)
        if not logit.requires_grad:
            raise DataError("The answer does not depend on the sample by steps that have a gradient.")
        (gradient,) = torch.autograd.grad(logit, inputs, allow_unused=True)
    found = torch.zeros_like(inputs) if gradient is None else gradient
    size = found[0].detach().abs().float().cpu()
    return (size.amax(0) if size.dim() == 3 else size).numpy()


def occlusion(
    module: nn.Module,
    sample: Any,
    target: int | None = None,
    *,
    size: int | None = None,
    stride: int | None = None,
    fill: float | None = None,
) -> np.ndarray:
    """How much the probability of a class falls when a square of the image is hidden.

    Each pixel has the mean over the squares that cover it: above zero where the class is seen, below where
    something speaks against it.

    Args:
        module: a brain, or a torch module, that classifies.
        sample: one image, `[channels, height, width]`, or a batch of one.
        target: the class; by default the most likely one.
        size: of the square, in pixels; by default a quarter of the image's shorter side.
        stride: how far apart squares are; by default half the size.
        fill: what hides; by default the mean of the image.

    Returns:
        float32, `[height, width]`.

    Raises:
        DataError: if this is no image, there is no such class, or the square does not fit.

    References:
        Zeiler & Fergus 2014, Visualizing and understanding convolutional networks.

    Example:
        >>> occlusion(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), torch.ones(1, 4, 4)).shape
        (4, 4)
    """
    network = unwrapped(module)
    with torch.no_grad(), looking(network):
        image = _one(network, sample)
        if image.dim() != 4:
            raise DataError(
                f"Parts are hidden of an image, [channels, height, width]; found {_shape(image)}."
            )
        height, width = image.shape[2:]
        size = max(1, min(height, width) // 4) if size is None else size
        stride = max(1, size // 2) if stride is None else stride
        if not (1 <= size <= min(height, width) and stride >= 1):
            raise DataError(f"A square of {size}, every {stride}, does not fit into {height}×{width} pixels.")
        hidden = float(image.mean()) if fill is None else fill
        corners = [(y, x) for y in _starts(height, size, stride) for x in _starts(width, size, stride)]
        logits = infer(network, image)
        chosen = _class(logits, target)
        whole = torch.softmax(_flat(logits), 1)[0, chosen]
        fallen, times = torch.zeros(height, width), torch.zeros(height, width)
        for first in range(0, len(corners), BATCH):
            some = corners[first : first + BATCH]
            batch = image.repeat(len(some), 1, 1, 1)
            for row, (y, x) in enumerate(some):
                batch[row, :, y : y + size, x : x + size] = hidden
            shares = torch.softmax(_flat(infer(network, batch)), 1)[:, chosen]
            for (y, x), change in zip(some, (whole - shares).float().tolist(), strict=True):
                fallen[y : y + size, x : x + size] += change
                times[y : y + size, x : x + size] += 1
    return (fallen / times.clamp(min=1)).numpy()


def _starts(length: int, size: int, stride: int) -> list[int]:
    """Where squares begin, so that they cover all of the image."""
    return sorted({*range(0, length - size + 1, stride), length - size})


def _one(module: nn.Module, sample: Any) -> Tensor:
    found = torch.as_tensor(sample).detach()
    if found.dim() in (1, 3):
        found = found[None]
    if found.dim() not in (2, 4) or len(found) != 1:
        raise DataError(f"One sample is [channels, height, width] or [numbers], found {_shape(found)}.")
    return samples_for(module, found.float()).clone()


def _shape(found: Tensor) -> str:
    return f"the shape {tuple(found.shape)}"


def _flat(logits: Tensor) -> Tensor:
    return logits.flatten(2).mean(2) if logits.dim() > 2 else logits


def _class(logits: Tensor, target: int | None) -> int:
    rows = _flat(logits)
    if rows.dim() != 2:
        raise DataError(f"An answer is a row of numbers for each sample, found {_shape(logits)}.")
    if target is None:
        return int(rows[0].argmax())
    if not 0 <= target < rows.shape[1]:
        raise DataError(f"There are {rows.shape[1]} classes, 0 to {rows.shape[1] - 1}; found {target}.")
    return target


def _logits(logits: Tensor, target: int | None) -> Tensor:
    return _flat(logits)[0, _class(logits, target)]
