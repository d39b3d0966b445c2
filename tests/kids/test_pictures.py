from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from akidlab import (
    Brain,
    FeedSensor,
    InnerProductLayer,
    Joker,
    Kid,
    MergeLayer,
    MomentumKongFu,
    SoftmaxWithLossLayer,
    TorchLayer,
)
from akidlab.kids import checkpoint
from akidlab.messages import CallbackSubscriber, Message
from akidlab.models.brains import OneLayerBrain
from akidlab.observers.small import ITEMS, NUMBERS, SIDE, of_filters, of_maps
from akidlab.sources import ArraySource


def kid_of(brain: Brain, **options: object) -> Kid:
    random = torch.Generator().manual_seed(0)
    images, labels = torch.rand(40, 1, 8, 8, generator=random), torch.arange(40) % 10
    source = ArraySource((images, labels), (images[:10], labels[:10]))
    kid = Kid(FeedSensor(source, batch_size=10), brain, MomentumKongFu(), max_steps=6, **options)  # type: ignore[arg-type]
    kid.save_chk_point = False
    return kid


def test_the_first_and_the_last_step_have_pictures_of_filters_and_maps() -> None:
    kid = kid_of(OneLayerBrain())

    kid.practice()

    assert kid.run is not None
    assert kid.run.pictures() == [
        "filters/conv1", "filters/ip1", "maps/system_in", "maps/conv1", "maps/relu1", "maps/pool1",
        "maps/ip1",
    ]  # fmt: skip
    assert kid.run.picture_steps("filters/conv1")[[0, -1]].tolist() == [1, 6]
    weights = kid.brain["conv1"].weight.detach().numpy()
    last = kid.run.picture("filters/conv1").array
    np.testing.assert_allclose(last, weights[:, :1], atol=np.ptp(weights) / 500)


def test_nothing_is_taken_where_nobody_wants_it_or_it_was_declined() -> None:
    heard: list[Message] = []
    kid = kid_of(OneLayerBrain(), record=False)
    kid.bus.subscribe(CallbackSubscriber(heard.append, topics=["loss"]))
    kid.practice()
    declined = kid_of(OneLayerBrain(), pictures=False)
    declined.practice()

    assert kid.taking is None
    assert declined.run is not None
    assert declined.run.pictures() == []


class Restless(nn.Module):
    """Draws a number and counts in every pass."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.norm(images) + 0.01 * torch.rand(())


@pytest.mark.parametrize("feedback", [False, True])
def test_pictures_change_nothing_of_what_is_learnt(feedback: bool) -> None:
    def weights(pictures: bool) -> dict[str, torch.Tensor]:
        inputs = [{"name": "rest"}, {"name": "sum", "delay": 1}] if feedback else [{"name": "rest"}]
        brain = Brain().attach(
            TorchLayer(Restless(), name="rest", inputs=[{"name": "system_in", "idxs": [0]}]),
            MergeLayer(name="sum", inputs=inputs),
            InnerProductLayer(out_channel_num=10, name="ip1"),
            SoftmaxWithLossLayer(
                class_num=10, name="loss", inputs=[{"name": "ip1"}, {"name": "system_in", "idxs": [1]}]
            ),
        )
        kid = kid_of(brain, pictures=pictures, seed=3)
        kid.practice()
        return kid.brain.state_dict()

    one, other = weights(True), weights(False)

    assert all(torch.equal(one[name], other[name]) for name in one)


class Shaken(Joker):
    """Draws from the generator that all share."""

    def forward(self, images: torch.Tensor, draw: object) -> torch.Tensor:
        return images + 0.1 * torch.rand_like(images)


def test_a_sample_that_chance_changes_moves_no_generator() -> None:
    def drawn_with(pictures: bool) -> torch.Tensor:
        kid = kid_of(OneLayerBrain(), pictures=pictures, skip_validation=True)
        kid.hooks.on_batch_end.append(lambda kid: drawn.append(torch.rand(())))
        kid.sensor.attach(Shaken(), to_val=True)
        drawn: list[torch.Tensor] = []
        kid.practice()
        return torch.stack(drawn)

    assert torch.equal(drawn_with(True), drawn_with(False))


def test_weights_that_are_not_finite_do_not_end_the_training() -> None:
    kid = kid_of(OneLayerBrain(), guard="off")
    kid.setup()
    kid.brain["conv1"].weight.data[0] = float("nan")

    kid.practice()

    assert kid.run is not None
    assert kid.run.status == "finished"
    assert np.isnan(kid.run.picture("filters/conv1").array).any()
    assert not [log for log in kid.run.logs() if "taken no more" in log.text]


def test_what_fails_is_told_once_and_the_training_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of paint")

    monkeypatch.setattr("akidlab.kids.pictures.filters", fail)
    kid = kid_of(OneLayerBrain())

    kid.practice()

    assert kid.run is not None
    assert kid.run.step == 6
    told = [log.text for log in kid.run.logs() if "out of paint" in log.text]
    assert len(told) == 1
    assert told[0].startswith("Pictures of filters are taken no more")
    assert kid.run.pictures()[0] == "maps/system_in"  # the others go on


def test_a_brain_that_reads_two_values_of_a_sample_has_maps() -> None:
    one, two, labels = torch.rand(20, 4), torch.rand(20, 3), torch.arange(20) % 2
    brain = Brain().attach(
        InnerProductLayer(out_channel_num=5, name="ip1", inputs=[{"name": "system_in", "idxs": [0]}]),
        InnerProductLayer(out_channel_num=5, name="ip2", inputs=[{"name": "system_in", "idxs": [1]}]),
        MergeLayer(name="sum", inputs=[{"name": "ip1"}, {"name": "ip2"}]),
        SoftmaxWithLossLayer(
            class_num=5, name="loss", inputs=[{"name": "sum"}, {"name": "system_in", "idxs": [2]}]
        ),
    )
    part = (one, two, labels)
    kid = Kid(FeedSensor(ArraySource(part, part), batch_size=10), brain, MomentumKongFu(), max_steps=2)

    kid.practice()

    assert kid.run is not None
    assert kid.run.pictures()[-4:] == ["maps/system_in", "maps/ip1", "maps/ip2", "maps/sum"]


def test_what_cannot_describe_itself_is_trained_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no words")

    monkeypatch.setattr("akidlab.kids.made_with.data", fail)
    monkeypatch.setattr(OneLayerBrain, "graph", fail)
    kid = kid_of(OneLayerBrain())

    kid.practice()

    assert kid.run is not None
    assert kid.run.info["made_with"]["data"] == {}
    assert [log.text for log in kid.run.logs()] == [
        "The graph of the brain is not recorded: RuntimeError: no words"
    ]


def test_what_blocks_keep_of_the_last_batch_stays_for_the_training_log() -> None:
    kid = kid_of(OneLayerBrain(), train_log_step=1)
    kept: list[int] = []
    kid.hooks.on_batch_end.append(lambda kid: kept.append(len(kid.brain["conv1"].data)))

    kid.practice()

    assert kept == [10] * 6


@pytest.mark.parametrize("shape", [(512, 512, 3, 3), (4, 3, 11, 11), (10, 1, 1, 100_000), (2, 1, 300, 300)])
def test_a_picture_of_filters_has_a_bound(shape: tuple[int, ...]) -> None:
    made = of_filters(np.ones(shape, np.float32), np.zeros(shape[0]), shape[0])

    assert made.levels.size <= max(NUMBERS, shape[2] * shape[3])
    assert len(made.levels) <= ITEMS
    assert (made.total, made.channels) == shape[:2]


@pytest.mark.parametrize("shape", [(512, 7, 7), (64, 224, 224), (1000,), (3, 5, 200)])
def test_a_picture_of_maps_has_a_bound_and_large_ones_are_averaged(shape: tuple[int, ...]) -> None:
    made = of_maps(np.ones(shape, np.float32))

    assert made.levels.size <= NUMBERS
    assert max(made.levels.shape[2:]) <= SIDE
    assert made.total == shape[0]


def test_a_checkpoint_holds_nothing_of_pictures() -> None:
    kid = kid_of(OneLayerBrain())
    kid.practice()

    assert b"maps" not in checkpoint.dump(kid)[:2000]
