"""Data-parallel training against that of one device; the CPU stands in for several."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from akidlab import (
    ArraySource,
    BatchNormalizationLayer,
    Brain,
    ConvolutionLayer,
    DropoutLayer,
    FeedSensor,
    InnerProductLayer,
    Kid,
    MergeLayer,
    MomentumKongFu,
    PoolingLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
    TorchKongFu,
    engines,
)
from akidlab.engines import DataParallelEngine, SingleEngine, SingleGPUEngine
from akidlab.errors import DataError, UnknownNameError

TWO = {"name": "data_parallel", "devices": ["cpu", "cpu"]}
THREE = {"name": "data_parallel", "num_gpu": 3}
# Two names of one device: different devices have a thread each.
THREADS = {"name": "data_parallel", "devices": [torch.device("cpu"), torch.device("cpu", 0)]}


def small_brain(*extra: Any) -> Brain:
    brain = Brain(name="small")
    brain.attach(
        ConvolutionLayer(ksize=3, out_channel_num=4, name="conv", wd={"type": "l2", "scale": 0.01}),
        *extra,
        ReLULayer(),
        PoolingLayer(ksize=2, strides=2),
        InnerProductLayer(out_channel_num=3, name="last"),
        SoftmaxWithLossLayer(name="loss", inputs=[{"name": "last"}, {"name": "system_in", "idxs": [1]}]),
    )
    return brain


def make(engine: Any, *extra: Any, brain: Brain | None = None, **options: Any) -> Kid:
    """A kid on 53 samples: batches of 7 make uneven parts, and a last one of 4."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(53, 2, 6, 6, generator=generator), torch.randint(0, 3, (53,), generator=generator)
    sensor = FeedSensor(ArraySource((x, y), (x[:23], y[:23])), batch_size=7, val_batch_size=9)
    options = {"max_steps": 20, "record": False, "val_log_step": 8, "train_log_step": 4, **options}
    kongfu = options.pop("kongfu", None) or MomentumKongFu(lr=0.1)
    return Kid(sensor, brain or small_brain(*extra), kongfu, engine, device="cpu", **options)


def outcome(kid: Kid) -> dict[str, Any]:
    kid.practice()
    weights = torch.cat([tensor.flatten().double() for tensor in kid.brain.state_dict().values()])
    told = [*kid.loss_data_train, *kid.loss_data_val, *(e["accuracy"] for e in kid.eval_data_train)]
    return {"weights": weights, "told": torch.tensor(told), "evals": kid.evals}


def close(some: dict[str, Any], other: dict[str, Any]) -> None:
    torch.testing.assert_close(some["weights"], other["weights"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(some["told"], other["told"], atol=1e-5, rtol=1e-5)
    assert some["evals"] == pytest.approx(other["evals"])


@pytest.mark.parametrize("samples", [7, 2, 1])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_loss_and_gradients_are_those_of_one_device_to_a_millionth(samples: int, count: int):
    generator = torch.Generator().manual_seed(1)
    batch = [torch.randn(samples, 2, 6, 6, generator=generator), torch.arange(samples) % 3]
    brain = small_brain().setup(batch, seed=0)
    one, several = brain.objective, DataParallelEngine(devices=["cpu"] * count).objective(brain)

    expected = [one(batch), *torch.autograd.grad(one(batch), brain.get_filters())]
    found = [several(batch), *torch.autograd.grad(several(batch), brain.get_filters())]

    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clip_norm": 0.1, "accumulate": 2},
        {"compile": {"backend": "eager"}},
        {"kongfu": TorchKongFu("RMSprop", lr=0.001)},
    ],
    ids=["plain", "clipped and accumulated", "compiled", "by name"],
)
@pytest.mark.parametrize("engine", [TWO, THREE, THREADS], ids=["two", "three", "threads"])
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # torch hides it
def test_a_kid_learns_as_on_one_device(engine: dict[str, Any], options: dict[str, Any]):
    close(outcome(make(engine, **options)), outcome(make("single", **options)))


def test_one_device_is_the_single_engine():
    one = outcome(make({"name": "data_parallel", "num_gpu": 1}, DropoutLayer()))

    assert one["weights"].equal(outcome(make("single", DropoutLayer()))["weights"])


def test_validation_may_work_on_another_number_of_devices():
    kid = make({"name": "data_parallel", "num_gpu": 2, "val_gpu_num": 3})

    close(outcome(kid), outcome(make("single")))
    assert repr(kid.engine) == "DataParallelEngine(devices=['cpu', 'cpu'], val_gpu_num=3)"


def test_dropout_is_seeded_and_a_kid_resumes_bit_for_bit(tmp_path):
    straight, again = (outcome(make(TWO, DropoutLayer(), save_chk_point=False)) for _ in range(2))
    make(TWO, DropoutLayer(), max_steps=9, log_dir=tmp_path).practice()
    resumed = make(TWO, DropoutLayer())
    resumed.restore(tmp_path)

    assert again["weights"].equal(straight["weights"])
    assert outcome(resumed)["weights"].equal(straight["weights"])


def test_running_statistics_are_the_mean_of_those_of_the_parts():
    x, y = torch.randn(7, 2, 6, 6, generator=torch.Generator().manual_seed(1)), torch.arange(7) % 3
    bn = BatchNormalizationLayer(name="bn", momentum=0.5)
    brain = Brain(name="b").attach(bn, *small_brain()).setup([x, y], seed=0)

    DataParallelEngine(devices=["cpu", "cpu"]).objective(brain)([x, y]).backward()

    mean = [part.mean((0, 2, 3)) for part in (x[:4], x[4:])]
    var = [part.transpose(0, 1).flatten(1).var(1) for part in (x[:4], x[4:])]
    torch.testing.assert_close(bn.running_mean, 0.5 * (4 * mean[0] + 3 * mean[1]) / 7)
    torch.testing.assert_close(bn.running_var, 0.5 + 0.5 * (4 * var[0] + 3 * var[1]) / 7)
    torch.testing.assert_close(bn.running_mean, 0.5 * x.mean((0, 2, 3)))


def test_batch_normalisation_learns_and_validates_with_the_statistics_of_all():
    kid = make(TWO, BatchNormalizationLayer(name="bn"), max_steps=60)

    kid.practice()
    here, there = kid.validate(), kid.engine.evals(kid.brain)
    kid.engine = "single"

    assert kid.validate() == (pytest.approx(here[0], abs=1e-5), pytest.approx(here[1]))
    assert set(there) == {"accuracy"}


def test_frozen_and_tied_parameters_are_treated_as_on_one_device():
    def brain() -> Brain:
        first = InnerProductLayer(out_channel_num=72, in_channel_num=72, name="first").setup(seed=0)
        frozen = InnerProductLayer(out_channel_num=72, in_channel_num=72, name="frozen").setup(seed=1)
        frozen.requires_grad_(False)
        nested = Brain(name="inner").attach(first.get_copy(name="tied"), ReLULayer())
        return Brain(name="outer").attach(
            first,
            frozen,
            nested,
            InnerProductLayer(out_channel_num=3, name="last"),
            SoftmaxWithLossLayer(inputs=[{"name": "last"}, {"name": "system_in", "idxs": [1]}]),
        )

    close(outcome(make(THREE, brain=brain())), outcome(make("single", brain=brain())))


def test_the_memory_of_a_feedback_goes_with_its_samples():
    def brain(bptt: int) -> Brain:
        return Brain(name="recurrent").attach(
            InnerProductLayer(out_channel_num=5, name="state", inputs=[{"name": "system_in", "idxs": [0]}]),
            MergeLayer(name="sum", inputs=[{"name": "state"}, {"name": "again", "delay": 1, "bptt": bptt}]),
            InnerProductLayer(out_channel_num=5, name="again"),
            InnerProductLayer(out_channel_num=3, name="last"),
            SoftmaxWithLossLayer(inputs=[{"name": "last"}, {"name": "system_in", "idxs": [1]}]),
        )

    for bptt in (1, 3):
        several, single = (make(engine, brain=brain(bptt), log_dir=None) for engine in (THREE, "single"))
        close(outcome(several), outcome(single))


def test_a_hook_that_changes_a_value_does_so_in_every_part():
    def doubled(engine: Any) -> dict[str, Any]:
        kid = make(engine)
        kid.setup()
        kid.brain["conv"].post_forward_hook.append(lambda block, signal: 2 * block.data)
        return outcome(kid)

    close(doubled(TWO), doubled("single"))


def test_towers_follow_when_blocks_come():
    batch = [torch.randn(7, 2, 6, 6, generator=torch.Generator().manual_seed(1)), torch.arange(7) % 3]
    brain = Brain(name="b").attach(small_brain()["conv"], ReLULayer())
    brain.setup(batch, seed=0)
    several = DataParallelEngine(devices=["cpu", "cpu"]).objective(brain)

    brain.attach(
        InnerProductLayer(out_channel_num=3, name="last"),
        SoftmaxWithLossLayer(name="loss", inputs=[{"name": "last"}, {"name": "system_in", "idxs": [1]}]),
    ).setup(batch, seed=0)

    torch.testing.assert_close(several(batch), brain.objective(batch))


def test_a_kid_is_edited_as_on_one_device():
    def edited(engine: Any) -> dict[str, Any]:
        kid = make(engine, max_steps=8)
        kid.practice()
        kid.edit(
            lambda brain: brain.insert_after("conv", ConvolutionLayer(3, out_channel_num=4, name="more"))
        )
        kid.max_steps = 16
        return outcome(kid)

    close(edited(TWO), edited("single"))


@pytest.mark.parametrize("engine", [TWO, THREADS], ids=["in turn", "threads"])
def test_half_precision_reaches_all_devices(engine: dict[str, Any]):
    kid = make(engine, precision="bf16")
    kinds: list[torch.dtype] = []
    kid.brain["last"].post_forward_hook.append(lambda block, signal: kinds.append(block.weight.dtype))
    kid.brain["last"].post_forward_hook.append(lambda block, signal: kinds.append(block.data.dtype))

    outcome(kid)

    assert set(kinds) == {torch.float32, torch.bfloat16}


@pytest.mark.parametrize("engine", [TWO, THREADS], ids=["in turn", "threads"])
def test_what_fails_in_a_part_is_explained_as_ever(engine: dict[str, Any]):
    brain = small_brain().setup([torch.randn(4, 2, 6, 6), torch.zeros(4).long()], seed=0)

    with pytest.raises(ValueError, match=r"`conv` wants 2 channels, found 3"):
        engines.get(engine).objective(brain)([torch.randn(4, 3, 6, 6), torch.zeros(4)])


@pytest.mark.parametrize(
    ("engine", "kind", "count"),
    [
        ("data_parallel", DataParallelEngine, 2),
        ({"name": "data_parallel", "gpu_num": 3}, DataParallelEngine, 3),
        ({"name": "data_parallel", "num_gpu": 1}, DataParallelEngine, 1),
        (TWO, DataParallelEngine, 2),
        ("single", SingleGPUEngine, None),
    ],
)
def test_strings_and_dicts_are_accepted(engine: Any, kind: type, count: int | None):
    found = engines.get(engine, device="cpu")

    assert isinstance(found, kind)
    assert isinstance(found, SingleEngine)
    assert getattr(found, "count", None) == count


def test_gpus_are_counted_from_the_first_that_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)

    assert [str(d) for d in DataParallelEngine(num_gpu=2, device="cuda:1").devices] == ["cuda:1", "cuda:2"]
    assert len(DataParallelEngine().devices) == DataParallelEngine().count == 4
    with pytest.raises(DataError, match=r"5 GPUs are asked for, torch sees 4. Ask for fewer"):
        DataParallelEngine(num_gpu=5)
    with pytest.raises(DataError, match="3 GPUs are asked for from number 2 on, torch sees 4"):
        DataParallelEngine(num_gpu=3, device="cuda:2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_gpu": 0}, "`num_gpu` is a number of devices, 1 or more, found 0"),
        ({"num_gpu": 2, "gpu_num": 3}, "`num_gpu` and `gpu_num` are one, found 2 and 3"),
        ({"num_gpu": 2, "devices": ["cpu"]}, "`devices` names 1, while `num_gpu` is 2"),
        ({"devices": ["cpu"], "val_gpu_num": 2}, "`val_gpu_num` is 2, but there are 1 devices"),
        ({"devices": "cpu"}, r"`devices` is a list such as \[.cpu"),
        ({"devices": ["cuda:0"], "device": "cpu"}, "There is no GPU 0|The kid works on cpu"),
    ],
)
def test_what_cannot_be_is_told(options: dict[str, Any], message: str):
    with pytest.raises(DataError, match=message):
        DataParallelEngine(**options)


def test_a_misspelt_argument_says_the_nearest():
    with pytest.raises(UnknownNameError, match=r"engine `data_parallel` `num_gpus`. Did you mean `num_gpu`"):
        engines.get({"name": "data_parallel", "num_gpus": 2})
