"""TensorBoard's files, read back by TensorBoard itself."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorboard")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util.tensor_util import make_ndarray

from akidlab.backends.tensorboard import TensorBoardWriter, histogram
from akidlab.errors import MissingPackageError
from akidlab.messages import PERCENTS, Bus, Event, Log, Message, Percentiles, Samples, Status

NINE = np.array([-3.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 3.0])


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0}).Reload()


def observed(step: int, *rows: np.ndarray) -> Message:
    tags = [f"weights/block/conv{index}" for index in range(len(rows))]
    values = np.stack(rows).astype(np.float32)
    return Message("percentiles", Percentiles(tags, values, np.full(len(rows), 200)), step=step, time=9.0)


def test_scalars_are_read_back_by_tensorboard(tmp_path):
    with TensorBoardWriter(tmp_path / "digits") as writer:
        writer.hear(Message("loss", Samples([1, 2], [0.5, 0.25], [10.0, 11.0]), step=2))
        writer.hear(Message("validation_loss", np.float32(0.75), step=2, time=12.0))
        writer.hear(Message("weights_norm2", Samples([2], [3.0], [12.0]), key="block/conv1"))

    found = read(tmp_path / "digits")
    assert found.Tags()["scalars"] == ["loss", "validation_loss", "weights_norm2/block/conv1"]
    assert [(one.step, one.value, one.wall_time) for one in found.Scalars("loss")] == [
        (1, 0.5, 10.0),
        (2, 0.25, 11.0),
    ]
    assert found.Scalars("weights_norm2/block/conv1")[0].value == 3.0


def test_percentiles_become_histograms(tmp_path):
    with TensorBoardWriter(tmp_path) as writer:
        writer.hear(observed(7, NINE, NINE * 2))

    found = read(tmp_path)
    (event,) = found.Histograms("weights/block/conv1")
    of = event.histogram_value
    assert found.Tags()["histograms"] == ["weights/block/conv0", "weights/block/conv1"]
    assert (event.step, event.wall_time) == (7, 9.0)
    assert (of.min, of.max, of.num, of.sum) == (-6.0, 6.0, 200.0, pytest.approx(0.0))
    assert list(of.bucket_limit) == (NINE * 2)[1:].tolist()
    assert list(of.bucket) == [14, 18, 30, 38, 38, 30, 18, 14]


def test_tensorboard_can_draw_the_histograms(tmp_path):
    constant, relu = np.full(9, 2.0), np.maximum(NINE, 0)
    with TensorBoardWriter(tmp_path) as writer:
        writer.hear(observed(1, NINE, constant, relu))

    (file,) = tmp_path.iterdir()
    values = [value for event in EventFileLoader(str(file)).Load() for value in event.summary.value]
    drawn = [make_ndarray(value.tensor) for value in values]
    assert [rows[:, 2].sum() for rows in drawn] == pytest.approx([200.0] * 3)
    assert [(rows[0, 0], rows[-1, 1]) for rows in drawn] == [(-3.0, 3.0), (2.0, 2.0), (0.0, 3.0)]
    assert all(np.all(rows[:, 1] >= rows[:, 0]) for rows in drawn)


def drawn_by_tensorboard(folder: Path, tensor: np.ndarray) -> np.ndarray:
    """What TensorBoard's own loader hands to its page: left, right and count of each bin."""
    nine = np.percentile(tensor, PERCENTS).astype(np.float32)
    with TensorBoardWriter(folder) as writer:
        found = Percentiles(["weights/conv"], nine[None], np.array([tensor.size]))
        writer.hear(Message("percentiles", found, step=1))
    (file,) = folder.iterdir()
    (value,) = (value for event in EventFileLoader(str(file)).Load() for value in event.summary.value)
    return make_ndarray(value.tensor)


RANDOM = np.random.default_rng(0)
TENSORS = {
    "normal": RANDOM.normal(size=10_007),
    "relu": np.maximum(RANDOM.normal(size=5_000), 0),
    "sparse": RANDOM.normal(size=5_000) * (RANDOM.random(5_000) < 0.2),
    "saturated": np.clip(RANDOM.normal(size=5_000), -0.5, 0.5),
    "signs": np.sign(RANDOM.normal(size=999)),
    "constant": np.full(17, 2.0),
    "one": np.array([3.0]),
    "two": np.array([-1.0, 4.0]),
    "ten": RANDOM.normal(size=10),
}


@pytest.mark.parametrize("name", TENSORS)
def test_the_bins_that_tensorboard_draws_hold_the_elements_that_lie_there(tmp_path, name):
    tensor = TENSORS[name].astype(np.float32)
    rows = drawn_by_tensorboard(tmp_path, tensor)

    assert rows[:, 2].sum() == tensor.size
    assert (rows[0, 0], rows[-1, 1]) == (tensor.min(), tensor.max())
    assert np.array_equal(rows[1:, 0], rows[:-1, 1])
    below = 0
    for _, right, count in rows:
        below += count
        assert np.sum(tensor < right) - 1 <= below <= np.sum(tensor <= right)


def test_elements_of_one_value_are_in_a_bin_of_no_width(tmp_path):
    rows = drawn_by_tensorboard(
        tmp_path, np.concatenate([np.linspace(-1, -0.1, 10), np.zeros(70), np.ones(21)])
    )

    narrow = rows[rows[:, 0] == rows[:, 1]]
    assert narrow.tolist() == [[0, 0, 54], [1, 1, 17]]


def test_the_sums_of_a_histogram_are_near_those_of_the_tensor():
    tensor = np.random.default_rng(0).uniform(-1, 3, 10_000)
    of = histogram(np.percentile(tensor, [0, 7, 16, 31, 50, 69, 84, 93, 100]), len(tensor))

    assert of["sum"] == pytest.approx(tensor.sum(), rel=0.02)
    assert of["sum_squares"] == pytest.approx((tensor**2).sum(), rel=0.02)


def test_what_is_not_finite_is_told_as_a_scalar_and_has_no_histogram(tmp_path):
    with TensorBoardWriter(tmp_path) as writer:
        writer.hear(Message("loss", float("nan"), step=1))
        writer.hear(observed(1, NINE, NINE * np.nan))

    found = read(tmp_path)
    assert np.isnan(found.Scalars("loss")[0].value)
    assert found.Tags()["histograms"] == ["weights/block/conv0"]


def test_events_and_the_configuration_are_texts(tmp_path):
    with TensorBoardWriter(tmp_path, config={"lr": 0.1}) as writer:
        found = {"text": "NaN in conv1.", "finding": "not finite", "block": "conv1", "value": None}
        writer.hear(Message("event", Event("guard", found), step=7))

    read_back = read(tmp_path)
    said = {
        tag: read_back.Tensors(tag)[0].tensor_proto.string_val[0].decode()
        for tag in ("config", "event/guard")
    }
    assert said == {
        "config": '{\n    "lr": 0.1\n}',
        "event/guard": "NaN in conv1.\n\n- finding: not finite\n- block: conv1",
    }
    assert read_back.SummaryMetadata("event/guard").plugin_data.plugin_name == "text"


def test_two_writers_of_one_second_have_a_file_each_and_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1e9)
    first, second = TensorBoardWriter(tmp_path), TensorBoardWriter(tmp_path)
    for step in range(500):
        first.hear(Message("loss", 1.0, step=step))
        second.hear(Message("accuracy", 0.5, step=step))
    first.close()
    second.close()

    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    events = [[e for e in EventFileLoader(str(file)).Load() if e.summary.value] for file in files]
    assert sorted((len(of), of[0].summary.value[0].tag) for of in events) == [
        (500, "accuracy"),
        (500, "loss"),
    ]


def test_writers_of_hosts_with_the_same_name_do_not_meet(tmp_path, monkeypatch):
    from tensorboard.summary.writer import event_file_writer

    monkeypatch.setattr("time.time", lambda: 1e9)
    for _ in range(2):  # as in two containers: same name, same process number, same second
        monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))
        TensorBoardWriter(tmp_path).close()

    assert len(list(tmp_path.iterdir())) == 2


def test_a_leading_slash_leads_nowhere(tmp_path):
    with TensorBoardWriter(tmp_path / "digits") as writer:
        writer.hear(Message("weights_norm2", 1.0, step=1, key="/conv2d0"))
        writer.hear(Message("percentiles", Percentiles(["/weights//conv2d0"], NINE[None], np.array([9]))))

    tags = read(tmp_path / "digits").Tags()
    assert (tags["scalars"], tags["histograms"]) == (["weights_norm2/conv2d0"], ["weights/conv2d0"])
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]
    assert len(list((tmp_path / "digits").iterdir())) == 1


def test_a_writer_listens_on_a_bus_and_lets_tensors_pass(tmp_path):
    bus, writer = Bus(), TensorBoardWriter(tmp_path)
    bus.subscribe(writer)

    for data in (object(), Log("hello"), Status("running"), 0.5):
        bus.publish(Message("loss", data, step=1))
    writer.flush()

    assert read(tmp_path).Tags()["scalars"] == ["loss"]
    assert bus.subscribers == (writer,)
    writer.close()
    writer.close()
    bus.publish(Message("loss", 0.5, step=2))
    assert len(read(tmp_path).Scalars("loss")) == 1


def test_without_tensorboard_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)

    with pytest.raises(
        MissingPackageError, match=r"not installed\. Install it with: pip install tensorboard"
    ):
        TensorBoardWriter(tmp_path)
