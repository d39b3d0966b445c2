"""A rate that falls when validations get no better."""

from __future__ import annotations

import pytest
import torch

from akidlab import Kid, LearningRateScheme, MomentumKongFu
from akidlab.clock import Clock
from akidlab.errors import DataError, UnknownNameError
from tests.kids.conftest import small_kid, weights

LOSSES = [
    1.0,
    0.9,
    0.95,
    0.9,
    0.9,
    0.8,
    0.85,
    0.9,
    0.9,
    0.9,
    0.79999,
    0.9,
    0.9,
    0.9,
    0.5,
    float("nan"),
    0.6,
    0.7,
]


@pytest.mark.parametrize("options", [{}, {"cooldown": 2}, {"threshold": 0.1}, {"min_lr": 0.03}])
def test_a_plateau_is_torchs(options: dict[str, float]):
    kongfu = MomentumKongFu(0.1, lr_scheme={"name": "plateau", "patience": 2, "decay_rate": 0.5, **options})
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2, factor=0.5, **options)

    found, expected = [], []
    for step, loss in enumerate(LOSSES):
        kongfu.hear({"validation_loss": loss}, Clock(step))
        scheduler.step(loss)
        found.append(kongfu.get_lr())
        expected.append(optimizer.param_groups[0]["lr"])

    assert found == pytest.approx(expected)
    assert len(set(found)) > 1


def test_a_plateau_of_an_accuracy_wants_it_to_rise():
    scheme = {"name": LearningRateScheme.plateau, "patience": 0, "metric": "validation_accuracy"}
    rising, falling = (MomentumKongFu(1.0, lr_scheme=scheme) for _ in range(2))

    for accuracy in (0.1, 0.2, 0.3):
        rising.hear({"validation_accuracy": accuracy}, Clock())
        falling.hear({"validation_accuracy": 1 - accuracy}, Clock())

    assert (rising.get_lr(), falling.get_lr()) == (1.0, pytest.approx(0.01))


def test_warmup_goes_before_a_plateau():
    kongfu = MomentumKongFu(1.0, lr_scheme={"name": "plateau", "patience": 0, "warmup_steps": 4})

    kongfu.hear({"validation_loss": 1.0}, Clock(0))
    kongfu.hear({"validation_loss": 1.0}, Clock(1))

    assert (kongfu.get_lr(), kongfu.lr_at(9)) == (pytest.approx(0.05), pytest.approx(0.1))


def test_other_schemes_need_not_hear_of_validations():
    kongfu = MomentumKongFu(1.0, lr_scheme={"name": "cosine", "max_steps": 10})

    kongfu.hear({}, Clock(5))

    assert kongfu.get_lr() == 1.0


def test_what_makes_no_sense_is_told():
    with pytest.raises(UnknownNameError, match=r"validation metric `validation_los`. Did you mean"):
        MomentumKongFu(lr_scheme={"name": "plateau", "metric": "validation_los"}).hear(
            {"validation_loss": 1.0}, Clock()
        )
    with pytest.raises(DataError, match="`decay_rate` must be a number from 0 up to, but not, 1, found 2"):
        MomentumKongFu(lr_scheme={"name": "plateau", "decay_rate": 2})
    with pytest.raises(DataError, match="The direction of `validation_f1` is `min` or `max`, found 'up'"):
        MomentumKongFu(lr_scheme={"name": "plateau", "metric": ("validation_f1", "up")})


def stubborn(steps: int, **options) -> Kid:
    """A kid whose validation loss never gets better by enough to count."""
    scheme = {"name": "plateau", "patience": 1, "decay_rate": 0.5, "threshold": 0.99}
    return small_kid(kongfu=MomentumKongFu(0.1, lr_scheme=scheme), max_steps=steps, val_log_step=2, **options)


def test_a_kid_tells_its_kongfu_of_each_validation():
    kid = stubborn(10)
    rates: list[float] = []
    kid.hooks.on_val_log_step.append(lambda kid: rates.append(kid.kongfu.get_lr()))

    kid.practice()

    assert rates == [0.1, 0.1, 0.05, 0.05, 0.025, 0.025]


def test_a_kid_resumed_in_the_midst_of_a_plateau_goes_on_as_the_other(tmp_path):
    def stop(kid: Kid) -> None:
        if kid.step == 5:
            kid.controls.send("stop")

    first = stubborn(10, log_dir=tmp_path)
    first.hooks.on_batch_end.append(stop)
    first.practice()
    resumed, straight = stubborn(10), stubborn(10)
    resumed.restore(tmp_path)
    resumed.practice()
    straight.practice()

    assert resumed.kongfu.get_lr() == straight.kongfu.get_lr() == 0.025
    assert weights(resumed).equal(weights(straight))
