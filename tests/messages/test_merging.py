"""What several ranks say comes to what one would have said of all their data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab.errors import KindError
from akidlab.messages import PERCENTS, Log, Message, Percentiles, Samples
from akidlab.messages.merging import is_partial, merge

POINTS = 129
RANKS = st.lists(
    st.tuples(
        st.integers(1, 3000),
        st.floats(-5, 5),
        st.floats(0.01, 10),
        st.sampled_from(["normal", "zeros", "skew"]),
    ),
    min_size=1,
    max_size=4,
)


def samples(kind: str, values: list[float], weights: tuple[float, ...] = ()) -> Message:
    steps = list(range(1, len(values) + 1))
    return Message("metric", Samples(steps, values, [0.0] * len(values), kind, weights), key="conv1")


def sketched(*tensors: np.ndarray, tags: tuple[str, ...] = ("activations/conv1",)) -> Message:
    values = np.stack([np.percentile(tensor, PERCENTS) for tensor in tensors]).astype("float32")
    sketches = np.stack([np.quantile(tensor, np.linspace(0, 1, POINTS)) for tensor in tensors])
    counts = np.array([tensor.size for tensor in tensors])
    return Message("percentiles", Percentiles(tags, values, counts, sketches.astype("float32")), step=3)


def draw(random: np.random.RandomState, size: int, center: float, width: float, kind: str) -> np.ndarray:
    drawn = random.randn(size) * width + center
    if kind == "zeros":  # what a ReLU leaves
        drawn = np.maximum(drawn, 0)
    return (np.exp(drawn.clip(-8, 8)) if kind == "skew" else drawn).astype("float32")


def distribution(message: Message) -> Percentiles:
    assert isinstance(message.data, Percentiles)
    return message.data


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), min_size=1, max_size=5))
def test_a_mean_of_means_is_the_mean_of_all(ranks: list[list[float]]) -> None:
    parts = [samples("mean", [float(np.mean(part))], (len(part),)) for part in ranks]
    pooled = np.concatenate(ranks)

    merged = merge(parts).data
    assert isinstance(merged, Samples)
    assert merged.values[0] == pytest.approx(pooled.mean(), abs=1e-6 * (1 + np.abs(pooled).max()))
    assert parts[0] is merge(parts) or list(merged.weights) == [len(pooled)]


@pytest.mark.parametrize(("kind", "value"), [("sum", 7.0), ("max", 5.0), ("min", -1.0), ("mean", 7 / 3)])
def test_each_kind_does_what_it_is_called(kind: str, value: float) -> None:
    merged = merge([samples(kind, [part]) for part in (3.0, 5.0, -1.0)])

    assert merged.data.values == [pytest.approx(value)]  # type: ignore[attr-defined]
    assert (merged.topic, merged.key) == ("metric", "conv1")


def test_several_steps_are_merged_one_by_one() -> None:
    merged = merge([samples("mean", [1.0, 2.0], (1, 3)), samples("mean", [3.0, 6.0], (1, 1))])

    assert merged.data.values == [2.0, 3.0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["mean", "sum", "max", "min"])
def test_what_is_not_a_number_on_one_rank_is_none_of_all(kind: str) -> None:
    assert math.isnan(merge([samples(kind, [1.0]), samples(kind, [math.nan])]).data.values[0])  # type: ignore[attr-defined]


def test_a_rank_without_samples_has_no_say_in_a_mean() -> None:
    parts = [samples("mean", [2.0], (4,)), samples("mean", [math.nan], (0,))]

    assert merge(parts).data.values == [2.0]  # type: ignore[attr-defined]


@settings(deadline=None, max_examples=60)
@given(RANKS, st.integers(0, 10_000))
def test_merged_bands_are_those_of_the_pooled_data(
    ranks: list[tuple[int, float, float, str]], seed: int
) -> None:
    random = np.random.RandomState(seed)
    tensors = [draw(random, *told) for told in ranks]
    pooled = np.sort(np.concatenate(tensors))
    merged = distribution(merge([sketched(tensor) for tensor in tensors]))

    found = merged.values[0]
    assert (found[0], found[-1], merged.counts[0]) == (pooled[0], pooled[-1], len(pooled))
    assert (np.diff(found) >= 0).all()
    slack = 1 / (POINTS - 1) + len(ranks) / len(pooled) + 1e-6
    for percent, value in zip(PERCENTS, found, strict=True):
        tiny = 1e-5 * max(1.0, float(np.abs(pooled).max()))
        below = (pooled < value - tiny).mean()
        up_to = (pooled <= value + tiny).mean()
        assert below - slack <= percent / 100 <= up_to + slack


def test_ranks_that_agree_are_merged_to_what_each_says() -> None:
    part = sketched(np.random.RandomState(0).randn(4000).astype("float32"))
    merged = distribution(merge([part, part]))

    assert merged.values == pytest.approx(distribution(part).values, abs=0.03)
    assert merged.counts.tolist() == [8000]


def test_a_tensor_that_only_one_rank_has_is_kept_as_it_is() -> None:
    some, other = np.arange(100, dtype="float32"), np.arange(300, dtype="float32")
    both = sketched(some, other, tags=("activations/conv1", "activations/expert"))
    merged = distribution(merge([sketched(some), both]))

    assert list(merged.tags) == ["activations/conv1", "activations/expert"]
    assert merged.counts.tolist() == [200, 300]
    assert merged.values[1] == pytest.approx(np.percentile(other, PERCENTS), abs=0.5)


def test_parameters_are_told_by_the_first_rank_alone() -> None:
    random = np.random.RandomState(0)
    weights, one, other = (random.randn(500).astype("float32") for _ in range(3))
    tags = ("weights/conv1", "activations/conv1")
    merged = distribution(merge([sketched(weights, one, tags=tags), sketched(weights, other, tags=tags)]))

    assert merged.values[0].tolist() == np.percentile(weights, PERCENTS).astype("float32").tolist()
    assert merged.values[1, -1] == max(one.max(), other.max())
    assert merged.counts.tolist() == [500, 1000]


def test_merged_sketches_can_be_merged_again() -> None:
    tensors = [np.random.RandomState(n).randn(2000).astype("float32") + n for n in range(3)]
    parts = [sketched(tensor) for tensor in tensors]
    at_once, in_turn = merge(parts), merge([merge(parts[:2]), parts[2]])

    assert distribution(in_turn).values == pytest.approx(distribution(at_once).values, abs=0.08)


def test_infinities_stay_at_the_ends() -> None:
    tensor = np.array([-np.inf, *range(98), np.inf], dtype="float32")
    part = sketched(np.arange(98, dtype="float32"))
    data = distribution(part)
    wide = np.array(data.values), np.array(data.sketches)
    for column in wide:
        column[:, 0], column[:, -1] = tensor[0], tensor[-1]
    merged = distribution(
        merge([Message("percentiles", Percentiles(data.tags, wide[0], data.counts, wide[1])), part])
    )

    assert (merged.values[0, 0], merged.values[0, -1]) == (-np.inf, np.inf)
    assert np.isfinite(merged.values[0, 1:-1]).all()


def test_what_stands_for_all_ranks_is_not_partial() -> None:
    alike = Percentiles(["weights/conv1"], np.zeros((1, 9), "float32"), np.ones(1, "int64"))

    assert not is_partial(Message("percentiles", alike))
    assert not is_partial(Message("log", Log("hello")))
    assert not is_partial(Message("metric", Samples([1], [1.0], [0.0], merge="median")))
    assert is_partial(sketched(np.arange(9.0)))


def test_what_cannot_be_merged_is_said() -> None:
    with pytest.raises(KindError, match=r"`log` of 2 ranks is merged from Samples, .*found Log"):
        merge([Message("log", Log("a")), Message("log", Log("b"))])
    with pytest.raises(
        KindError, match=r"of the same steps on every rank; found merge='mean', steps \[1\], \[1, 2\]"
    ):
        merge([samples("mean", [1.0]), samples("mean", [1.0, 2.0])])
