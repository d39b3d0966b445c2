"""Dead units, accuracy and the noise scale against what is counted by hand, NumPy and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, top_k_accuracy_score

from akidlab.errors import DataError
from akidlab.metrics import accuracy, dead_units, gradient_noise_scale


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_unit_that_is_zero_everywhere_is_dead(dtype: torch.dtype, device: str):
    maps = torch.ones(4, 5, 3, 3, device=device, dtype=dtype)
    maps[:, 1] = maps[:, 3] = 0
    maps[1:, 2] = 0  # it spoke once

    assert float(dead_units(maps)) == pytest.approx(0.4)


def test_units_are_in_the_last_of_three_dimensions_or_where_one_says():
    words = torch.ones(2, 7, 4)
    words[..., 0] = 0

    assert float(dead_units(words)) == 0.25
    assert float(dead_units(words.movedim(-1, 1), dim=1)) == 0.25
    assert float(dead_units(torch.zeros(3, 2))) == 1
    assert math.isnan(dead_units(torch.zeros(3, 0)))


def test_activations_without_units_are_refused():
    with pytest.raises(DataError, match="2 dimensions or more, found 1"):
        dead_units(torch.zeros(3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_accuracy_is_that_of_scikit_learn(dtype: torch.dtype, device: str):
    generator = torch.Generator().manual_seed(0)
    output = torch.randn(50, 6, generator=generator).to(device, dtype).requires_grad_()
    labels = torch.randint(0, 6, (50,), generator=generator).to(device)
    scores, truth = output.detach().float().cpu().numpy(), labels.cpu().numpy()

    assert float(accuracy(output, labels)) == pytest.approx(accuracy_score(truth, scores.argmax(1)))
    assert float(accuracy(output, labels, top=3)) == pytest.approx(
        top_k_accuracy_score(truth, scores, k=3, labels=range(6)),
        abs=1e-6 if dtype == torch.float32 else 0.02,
    )


def test_labels_may_be_one_hot_columns_positions_or_words():
    generator = torch.Generator().manual_seed(0)
    output, labels = torch.randn(8, 3, generator=generator), torch.randint(0, 3, (8,), generator=generator)
    image, truth = torch.randn(2, 3, 4, 4, generator=generator), torch.zeros(2, 4, 4, dtype=torch.long)
    text, words = image.flatten(2).movedim(1, -1), truth.flatten(1)

    found = accuracy(output, labels)

    assert accuracy(output, torch.nn.functional.one_hot(labels, 3).float()) == found
    assert accuracy(output, labels[:, None]) == found
    assert accuracy(image, truth) == accuracy(text, words) == (image.argmax(1) == 0).float().mean()
    assert math.isnan(accuracy(torch.zeros(0, 3), torch.zeros(0)))


def test_labels_that_do_not_fit_and_too_many_of_the_best_are_refused():
    with pytest.raises(DataError, match=r"shape \(4,\) do not fit scores of shape \(5, 3\)"):
        accuracy(torch.zeros(5, 3), torch.zeros(4))
    with pytest.raises(DataError, match="do not fit"):
        accuracy(torch.zeros(5), torch.zeros(5))
    with pytest.raises(DataError, match="from 1 to the 3 classes, found 4"):
        accuracy(torch.zeros(5, 3), torch.zeros(5), top=4)


def test_the_noise_scale_is_what_covariance_and_mean_say(device: str):
    rows = np.random.default_rng(0).normal(1, 2, (12, 30))

    found = float(gradient_noise_scale(torch.tensor(rows, device=device), batch_size=16))

    spread = 16 * np.trace(np.cov(rows.T))
    assert found == pytest.approx(spread / (np.sum(rows.mean(0) ** 2) - spread / (16 * 12)), rel=1e-6)


def test_the_noise_scale_comes_to_the_true_one():
    rows = torch.randn(4000, 50, generator=torch.Generator().manual_seed(0)) * 3 / 4 + 1  # b = 16, sigma = 3

    assert float(gradient_noise_scale(rows, batch_size=16)) == pytest.approx(9, rel=0.02)


def test_the_noise_scale_is_0_without_noise_and_not_defined_without_signal():
    assert float(gradient_noise_scale(torch.ones(3, 2), batch_size=4)) == 0
    assert math.isnan(gradient_noise_scale(torch.tensor([[1.0], [-1.0]]), batch_size=4))
    assert math.isnan(gradient_noise_scale(torch.zeros(2, 3), batch_size=4))


def test_the_noise_of_one_batch_cannot_be_seen():
    with pytest.raises(DataError, match="2 batches of a sample or more, found 1 of 4"):
        gradient_noise_scale(torch.ones(1, 3), batch_size=4)
