"""The bands of a step: percentiles of all tensors, in one message."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from akidlab.errors import UnknownNameError
from akidlab.messages import Bus, CallbackSubscriber, Message, Percentiles, Several
from akidlab.metrics.bands import PercentilesSubscriber
from akidlab.metrics.percentiles import percentiles
from akidlab.metrics.slots import MANY


class Scene:
    """A bus with bands on it, and what they say."""

    def __init__(self, *kinds: str, **options: int | bool) -> None:
        self.bus, self.heard = Bus(), list[Message]()
        kinds = kinds or ("weights", "activations")
        self.bands = PercentilesSubscriber(self.bus, kinds, **options)  # type: ignore[arg-type]
        self.bus.subscribe(self.bands)
        self.bus.subscribe(CallbackSubscriber(self.heard.append, topics=["percentiles", "log"]))

    def step(self, number: int = 1, topic: str = "weights", **tensors: Tensor) -> Percentiles:
        self.tell(number, topic, **tensors)
        return self.finish(number)

    def tell(self, number: int, topic: str = "weights", tag: str = "train", **tensors: Tensor) -> None:
        for key, tensor in tensors.items():
            self.bus.publish(Message(topic, tensor, step=number, key=key, tag=tag))

    def finish(self, number: int) -> Percentiles:
        self.bus.publish(Message("batch_finished", step=number, epoch=3, train_step=2))
        found = self.heard[-1].data
        assert isinstance(found, Percentiles), found
        return found


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def expected(*tensors: Tensor, **options: int | bool) -> np.ndarray:
    return np.stack([percentiles(tensor, **options).numpy() for tensor in tensors])  # type: ignore[arg-type]


def test_one_message_tells_of_all_tensors_of_a_step() -> None:
    scene, tensors = Scene(), {"a": normal(3, 4), "b": normal(40_000, seed=1), "c": normal(1, seed=2)}
    found = scene.step(7, **tensors)
    said = scene.heard[-1]

    assert (said.topic, said.step, said.epoch, said.train_step, len(scene.heard)) == (
        "percentiles",
        7,
        3,
        2,
        1,
    )
    assert found.tags == ("weights/a", "weights/b", "weights/c")
    assert found.counts.tolist() == [12, 40_000, 1]
    assert (found.values.dtype, found.sketches) == (np.float32, None)
    np.testing.assert_allclose(found.values, expected(*tensors.values()), rtol=1e-6)


@pytest.mark.parametrize("options", [{"exact": True}, {"elements": 100}, {"elements": 10**6}])
def test_they_are_what_the_function_finds(options: dict[str, int]) -> None:
    tensors = {
        "a": normal(50),
        "b": normal(20_000, seed=1),
        "c": normal(300, seed=2).bfloat16(),
        "d": normal(2 * MANY),
    }
    found = Scene(**options).step(**tensors)

    np.testing.assert_allclose(found.values, expected(*tensors.values(), **options), rtol=1e-6)


def test_a_tensor_may_change_after_it_was_heard() -> None:
    scene, small, large = Scene(), normal(10), normal(40_000)
    right = expected(small, large)
    scene.tell(1, small=small, large=large)
    small.zero_()
    large.zero_()

    np.testing.assert_allclose(scene.finish(1).values, right, rtol=1e-6)


def test_each_step_tells_of_its_own_values() -> None:
    scene = Scene()
    for step in range(1, 5):
        tensors = {"a": normal(30, seed=step), "b": normal(9000, seed=10 + step)}
        found = scene.step(step, **tensors)

        np.testing.assert_allclose(found.values, expected(*tensors.values()), rtol=1e-6)
    assert len(scene.heard) == 4


def test_shapes_and_names_may_change_from_step_to_step() -> None:
    scene = Scene()
    for step, sizes in enumerate([(5, 9000), (9000, 5), (7,), (70_000, 3, 20_000), (5, 9000)], start=1):
        tensors = {f"block{size}": normal(size, seed=step) for size in sizes}
        found = scene.step(step, **tensors)

        assert found.tags == tuple(f"weights/block{size}" for size in sizes)
        np.testing.assert_allclose(found.values, expected(*tensors.values()), rtol=1e-6)


def test_a_module_that_is_called_twice_has_two_bands() -> None:
    found = Scene().step(**{"a": normal(4), "a:2": normal(5)})

    assert found.tags == ("weights/a", "weights/a:2")


def test_an_empty_tensor_has_no_bands() -> None:
    found = Scene().step(none=torch.zeros(0), one=torch.ones(1))

    assert found.tags == ("weights/one",)


def test_tensors_of_any_layout_have_bands() -> None:
    last, image = normal(30, 40).T, normal(8, 16, 20, 20, seed=1).to(memory_format=torch.channels_last)
    sparse = torch.sparse_coo_tensor([[0, 5]], [2.0, 3.0], (20_000,), check_invariants=True)
    found = Scene().step(last=last, image=image, half=normal(20_000).half(), sparse=sparse)

    np.testing.assert_allclose(found.values[0], expected(last)[0], rtol=1e-6)
    assert found.values[1:3, [0, 8]].tolist() == [
        [float(image.min()), float(image.max())],
        [float(normal(20_000).half().min()), float(normal(20_000).half().max())],
    ]
    assert found.values[3, [0, 8]].tolist() == [2.0, 3.0]


def test_what_has_no_key_is_told_by_its_topic() -> None:
    scene = Scene("network_output")
    scene.bus.publish(Message("network_output", torch.ones(2), step=1))

    assert scene.finish(1).tags == ("network_output",)


def test_evaluation_is_not_mixed_with_training() -> None:
    scene = Scene()
    scene.tell(1, a=torch.ones(3))
    scene.tell(1, tag="eval", a=torch.zeros(3))

    assert scene.finish(1).values.tolist() == [[1.0] * 9]


def test_a_step_that_was_never_finished_is_forgotten() -> None:
    scene = Scene()
    scene.tell(1, a=torch.zeros(3))

    assert scene.step(2, a=torch.ones(3)).values.tolist() == [[1.0] * 9]


def test_a_step_that_showed_nothing_says_nothing() -> None:
    scene = Scene()
    scene.bus.publish(Message("batch_finished", step=1))

    assert scene.heard == []


def test_nan_and_infinity_are_told() -> None:
    found = Scene().step(nan=torch.tensor([1.0, float("nan")]), inf=torch.tensor([1.0, float("inf")]))

    assert np.isnan(found.values[0]).all()
    assert found.values[1, [0, 8]].tolist() == [1.0, float("inf")]


def test_how_many_elements_are_looked_at_may_change_between_steps() -> None:
    scene, tensor = Scene(elements=8192), normal(30_000)
    scene.step(1, a=tensor)
    scene.tell(2, a=tensor)
    scene.bands.elements = 64

    np.testing.assert_array_equal(scene.finish(2).values, expected(tensor))
    np.testing.assert_array_equal(scene.step(3, a=tensor).values, expected(tensor, elements=64))


@pytest.mark.parametrize("kept", [0, 150_000, 1 << 24])
def test_an_exact_look_finds_the_same_with_room_for_copies_and_without(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akidlab.metrics.slots.KEPT", kept)
    scene, tensors = Scene(exact=True), {"one": normal(140_000), "two": normal(140_000, seed=1)}

    for step in (1, 2):
        found = scene.step(step, **tensors)
        np.testing.assert_array_equal(found.values, expected(*tensors.values(), exact=True))


@pytest.mark.parametrize("exact", [False, True])
def test_sketches_are_evenly_spaced_quantiles(exact: bool) -> None:
    tensors = {"few": normal(100), "some": normal(12_000, seed=1), "many": normal(40_000, seed=2)}
    found = Scene(exact=exact, sketch=129).step(**tensors)
    assert found.sketches is not None
    quantiles = np.stack([np.quantile(t.numpy(), np.linspace(0, 1, 129)) for t in tensors.values()])

    assert found.sketches.shape == (3, 129)
    np.testing.assert_array_equal(found.sketches[:, [0, 128]], found.values[:, [0, 8]])
    assert (np.diff(found.sketches) >= 0).all()
    np.testing.assert_allclose(found.sketches[:, 8:-8], quantiles[:, 8:-8], atol=0.1)
    if exact:
        np.testing.assert_allclose(found.sketches[1:, 8:-8], quantiles[1:, 8:-8], atol=2e-3)


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no topic `wieghts`. Did you mean `weights`\?"):
        PercentilesSubscriber(Bus(), ["wieghts"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"elements": 3}, "Look at 16 elements or more, or percentiles say nothing; found 3"),
        ({"sketch": 1}, "A sketch has 2 points or more, or is left out with 0; found 1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PercentilesSubscriber(Bus(), **options)  # type: ignore[arg-type]


def test_what_is_told_at_once_is_as_what_is_told_one_by_one() -> None:
    scene = Scene("weights", "biases")
    names = (("weights", "a"), ("biases", "a"), ("weights", "b"))
    for step in (1, 2, 3):
        sizes = (30_000, 5, 7) if step < 3 else (5, 30_000, 9)  # other shapes under the same names
        tensors = [normal(size, seed=step) for size in sizes]
        scene.tell(step, c=tensors[0])
        scene.bands.hear_all(Several(names, tensors, step))
        found = scene.finish(step)

        assert found.tags == ("weights/c", "weights/a", "biases/a", "weights/b")
        np.testing.assert_allclose(found.values, expected(tensors[0], *tensors), rtol=1e-6)


def test_of_what_is_told_at_once_only_the_kinds_asked_for_count() -> None:
    scene = Scene("weights")
    names = (("weights", "a"), ("biases", "a"), ("weights", "empty"))
    scene.bands.hear_all(Several(names, [torch.ones(3), torch.ones(2), torch.ones(0)], 1))

    assert scene.finish(1).tags == ("weights/a",)
