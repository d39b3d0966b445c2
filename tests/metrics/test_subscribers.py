"""Each metric on a network that learns, watched by an exporter."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from akidlab import Brain, InnerProductLayer, ReLULayer, SoftmaxWithLossLayer, metrics
from akidlab.errors import KindError
from akidlab.exporter import Exporter
from akidlab.messages import Bus, CallbackSubscriber, Message, Samples


def learn(bus: Bus, *, steps: int = 3, seed: int = 0, lr: float = 0.1) -> dict[str, list[Tensor]]:
    """A stranger's net learns; gives what it was, step by step, by topic and module."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    with Exporter(message_bus=bus) as exporter:
        exporter.set_model(net)
        exporter.add_modules(net)
        criterion = exporter.set_loss(nn.CrossEntropyLoss())
        return train(net, criterion, bus, steps, lr)


def train(net: nn.Module, criterion: nn.Module, bus: Bus, steps: int, lr: float) -> dict[str, list[Tensor]]:
    kept: dict[str, list[Tensor]] = {}

    def keep(message: Message) -> None:
        name = message.topic if message.key is None else f"{message.topic}/{message.key}"
        kept.setdefault(name, []).append(message.data.clone())

    topics = ["weights", "biases", "weight_gradients", "bias_gradients", "weight_updates", "bias_updates"]
    topics += ["activations", "input_data", "network_output", "input_labels"]
    bus.subscribe(CallbackSubscriber(keep, topics=topics, tag="train"))
    bus.subscribe(CallbackSubscriber(keep, topics=["loss"], tag="raw"))
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        x = torch.randn(16, 6)
        criterion(net(x), (x[:, 0] > 0).long()).backward()
        optimizer.step()
    return kept


EACH = {
    "mean": (metrics.MeanSubscriber, "mean", lambda x: x.mean()),
    "variance": (metrics.VarianceSubscriber, "variance", lambda x: x.var(ddof=1)),
    "sum": (metrics.SumSubscriber, "sum", lambda x: x.sum()),
    "norm": (metrics.NormSubscriber, "norm2", lambda x: np.linalg.norm(x)),
    "sparsity": (metrics.SparsitySubscriber, "sparsity", lambda x: (x == 0).mean()),
}


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("topic", ["weights", "bias_gradients", "weight_updates", "activations"])
def test_one_number_of_each_tensor_of_each_module(bus, heard, name: str, topic: str):
    make, suffix, compute = EACH[name]
    make(topic, bus=bus)

    kept = learn(bus)

    modules = ["linear0", "relu0", "linear1"] if topic == "activations" else ["linear0", "linear1"]
    assert set(heard.values) == {f"{topic}_{suffix}/{module}" for module in modules}
    for module in modules:
        wanted = [float(compute(tensor.double().numpy())) for tensor in kept[f"{topic}/{module}"]]
        steps, values = zip(*heard.values[f"{topic}_{suffix}/{module}"], strict=True)
        assert steps == (1, 2, 3)
        assert values == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_norms_are_named_by_their_order(bus, heard):
    metrics.NormSubscriber("weights", order=math.inf, bus=bus)
    metrics.NormSubscriber("weights", order=1, bus=bus)
    metrics.NormSubscriber("weights", order=0.5, bus=bus)

    learn(bus, steps=1)

    assert {name.split("/")[0] for name in heard.values} == {
        "weights_norminf",
        "weights_norm1",
        "weights_norm0.5",
    }


def test_the_ratio_of_updates_to_weights_is_that_of_the_step(bus, heard):
    metrics.RatioSubscriber(bus=bus)

    kept = learn(bus)

    found = [value for _, value in heard.values["weight_updates_weights_ratio/linear1"]]
    pairs = zip(kept["weight_updates/linear1"], kept["weights/linear1"], strict=True)
    assert found == pytest.approx([float(u.norm() / w.norm()) for u, w in pairs])
    assert all(ratio > 0 for ratio in found)


def test_the_spectral_norm_grows_sharp_as_the_steps_go_by(bus, heard):
    metrics.SpectralNormSubscriber(bus=bus)
    metrics.ConditionNumberSubscriber(bus=bus)

    kept = learn(bus, steps=25, lr=0.01)

    for module in ("linear0", "linear1"):
        matrix = kept[f"weights/{module}"][-1].double().numpy()
        assert heard.values[f"weights_spectral_norm/{module}"][-1] == (
            25,
            pytest.approx(np.linalg.norm(matrix, 2), rel=1e-3),
        )
        assert heard.values[f"weights_condition_number/{module}"][-1][1] == pytest.approx(
            np.linalg.cond(matrix), rel=1e-3
        )


def test_histograms_are_kept_and_told_to_who_hears_them(bus):
    told: list[Message] = []
    bus.subscribe(CallbackSubscriber(told.append, topics=["weights_histogram"]))
    metric = metrics.HistogramSubscriber(bus=bus, bins=8)

    kept = learn(bus, steps=2)

    assert [(message.key, message.step) for message in told] == [
        ("linear0", 1), ("linear1", 1), ("linear0", 2), ("linear1", 2),
    ]  # fmt: skip
    wanted = np.histogram(kept["weights/linear0"][-1].numpy(), 8)[0]
    assert metric.histograms["weights/linear0"].counts.tolist() == wanted.tolist()


def test_the_message_mean_is_that_of_all_modules_of_the_step(bus, heard):
    metrics.MessageMeanSubscriber("weights_norm2", bus=bus)  # it may come first
    metrics.NormSubscriber("weights", bus=bus)

    learn(bus)

    norms = [[value for _, value in heard.values[f"weights_norm2/linear{i}"]] for i in (0, 1)]
    found = heard.values["weights_norm2_message_mean"]
    assert [step for step, _ in found] == [1, 2, 3]
    assert [value for _, value in found] == pytest.approx(np.mean(norms, axis=0).tolist())


def test_loss_and_accuracy_of_each_batch(bus, heard):
    metrics.LossSubscriber(bus=bus)
    metrics.TrainAccuracySubscriber(bus=bus)

    kept = learn(bus)

    answers = zip(kept["network_output"], kept["input_labels"], strict=True)
    wanted = [float((output.argmax(1) == labels).float().mean()) for output, labels in answers]
    assert [value for _, value in heard.values["train_accuracy"]] == pytest.approx(wanted)
    assert [value for _, value in heard.values["batch_loss"]] == pytest.approx(
        [float(v) for v in kept["loss"]]
    )
    assert [message.data.weights for message in heard.messages if message.topic == "train_accuracy"] == [
        [16.0]
    ] * 3


def test_a_brain_tells_its_answers_and_labels_itself(bus, heard):
    brain = Brain(name="small").attach(
        InnerProductLayer(out_channel_num=5, name="ip1"),
        ReLULayer(name="relu1"),
        InnerProductLayer(out_channel_num=3, name="ip2"),
        SoftmaxWithLossLayer(inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}]),
    )
    data = [torch.randn(12, 4), torch.arange(12) % 3]
    brain.setup(data, seed=0)
    metrics.TrainAccuracySubscriber(bus=bus)
    metrics.SparsitySubscriber("activations", bus=bus)
    wanted = float((brain.infer(data[0]).argmax(1) == data[1]).float().mean())

    with Exporter(message_bus=bus) as exporter:
        exporter.set_model(brain)
        exporter.add_modules(brain)
        optimizer = torch.optim.SGD(brain.parameters(), lr=0.1)
        brain.objective(*data).backward()
        optimizer.step()

    assert heard.values["train_accuracy"] == [(1, pytest.approx(wanted))]
    assert 0 < heard.values["activations_sparsity/relu1"][0][1] < 1


def test_a_unit_is_dead_when_it_was_silent_for_some_steps(bus, heard):
    metrics.DeadUnitsSubscriber(bus=bus, patience=2)
    relu = torch.ones(4, 3)

    for step, quiet in enumerate([{0}, {0, 1}, {0, 1}, {1}], start=1):
        shown = relu.clone()
        shown[:, list(quiet)] = 0
        bus.publish(Message("activations", shown, step, key="relu"))
        bus.publish(Message("batch_finished", step=step))

    found = [value for _, value in heard.values["activations_dead_units/relu"]]
    assert found == pytest.approx([0, 1 / 3, 2 / 3, 1 / 3])


def test_the_noise_scale_is_that_of_the_gradients_of_a_window(bus, heard):
    metrics.GradientNoiseScaleSubscriber(bus=bus, window=4)

    kept = learn(bus, steps=8, lr=1e-6)

    topics = [f"{kind}_gradients/linear{i}" for kind in ("weight", "bias") for i in (0, 1)]
    rows = torch.stack([torch.cat([kept[t][step].flatten() for t in topics]) for step in range(8)])
    wanted = [float(metrics.gradient_noise_scale(part, batch_size=16)) for part in (rows[:4], rows[4:])]
    assert [step for step, _ in heard.values["gradient_noise_scale"]] == [4, 8]
    assert [value for _, value in heard.values["gradient_noise_scale"]] == pytest.approx(wanted, rel=1e-3)


def test_what_is_heard_may_be_a_number_or_what_another_published(bus, heard):
    metrics.MeanSubscriber("temperature", bus=bus)

    bus.publish(Message("temperature", 21, 1))
    bus.publish(Message("temperature", Samples([1], [23.0], [0.0]), 1, key="lab"))
    bus.publish(Message("batch_finished", step=1))

    assert heard.values["temperature_mean"] == [(1, 21.0)]
    assert heard.values["temperature_mean/lab"] == [(1, 23.0)]


def test_what_is_no_number_is_an_error_that_says_so():
    metric = metrics.MeanSubscriber("temperature", bus=Bus())

    with pytest.raises(KindError, match="`temperature` carries no tensor and no number, found a str"):
        metric.compute(Message("temperature", "hot"))
