"""What passes through modules is published as it was, whatever they do with it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from akidlab.errors import KindError
from akidlab.exporter import tensors_of
from akidlab.messages import CallbackSubscriber
from tests.exporter.conftest import learn, net


def by_hand(model: nn.Sequential, layer: int, given: Tensor) -> tuple[Tensor, Tensor]:
    """What a layer gives and the gradient of that, where nothing is changed in place."""
    signal, kept = given, []
    for module in model:
        signal = module(signal.clone())
        signal.retain_grad()
        kept.append(signal)
    signal.square().mean().backward()
    return kept[layer].detach().clone(), kept[layer].grad


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_activations_and_their_gradients_are_those_of_the_layer(watched, heard, inplace, layer):
    model, given = net(inplace=inplace), torch.randn(5, 4)
    value, gradient = by_hand(model, layer, given)
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1), given=given)

    name = ["linear0", "relu0", "linear1"][layer]
    torch.testing.assert_close(heard.of("activations", name)[0], value)
    torch.testing.assert_close(heard.of("layer_gradients", name)[0], gradient)


def test_a_layer_called_twice_is_told_twice(watched, heard):
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.fc(x))

    model = Twice()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1), steps=2)

    assert heard.keys("activations") == ["fc", "fc:2"] * 2
    assert heard.keys("layer_gradients") == ["fc:2", "fc"] * 2
    assert heard.keys("weights") == ["fc"] * 2


def test_a_layer_called_a_hundred_times_is_told_eight_times(watched, heard):
    class Often(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            for _ in range(100):
                x = self.cell(x)
            return x

    model = Often()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    assert heard.keys("activations")[-1] == "cell:8"
    assert len(heard.keys("activations")) == 8


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_tell_of_all_they_give(watched, heard, kind):
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = kind(4, 3, batch_first=True), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.rnn(x)[0][:, -1])

    model = Reader()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1), given=torch.randn(5, 6, 4))

    assert heard.of("activations", "rnn")[0].shape == (5, 6, 3)
    assert set(heard.keys("weights")) == {"rnn.weight_ih_l0", "rnn.weight_hh_l0", "head"}
    assert set(heard.keys("bias_gradients")) == {"rnn.bias_ih_l0", "rnn.bias_hh_l0", "head"}
    assert heard.keys("layer_gradients") == ["head", "rnn"]


def test_keyword_arguments_reach_the_model_and_the_listener(watched, heard):
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, *, signal: Tensor, scale: float = 1.0) -> Tensor:
            return scale * self.fc(signal)

    model, given = Named(), torch.randn(5, 4)
    watched(model)

    model(signal=given, scale=2.0).sum().backward()

    assert list(heard.of("input_data")[0]) == ["signal", "scale"]
    assert len(heard.of("activations", "fc")) == 1


@dataclass
class Answer:
    """What models of a well-known library give."""

    loss: Tensor
    logits: Tensor
    states: tuple[Tensor, ...] = ()


def test_a_model_that_computes_its_loss_tells_of_answer_labels_and_loss(bus, watched, heard):
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, ids: Tensor, labels: Tensor) -> Answer:
            logits = self.fc(ids)
            return Answer(nn.functional.cross_entropy(logits, labels), logits)

    model, losses = Model(), []
    bus.subscribe(CallbackSubscriber(losses.append, topics=["loss"], tag="raw"))
    watched(model)

    answer = model(ids=torch.randn(3, 4), labels=torch.tensor([0, 1, 1]))

    torch.testing.assert_close(heard.of("network_output"), [answer.logits.detach()])
    torch.testing.assert_close(heard.of("input_labels"), [torch.tensor([0, 1, 1])])
    assert [float(m.data) for m in losses] == [float(answer.loss.detach())]


@pytest.mark.parametrize("pack", [lambda a, b: (a, b), lambda a, b: [a, {"b": b}], lambda a, b: Answer(a, b)])
def test_tuples_dicts_and_objects_are_told_tensor_by_tensor(watched, heard, pack):
    class Split(nn.Module):
        def forward(self, x: Tensor) -> object:
            return pack(x + 1, x * 2)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.split = nn.Linear(4, 4), Split()

        def forward(self, x: Tensor) -> Tensor:
            return sum(tensor for _, tensor in tensors_of(self.split(self.fc(x))))

    model = Model()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    first, second = [key for key in heard.keys("activations") if key.startswith("split")]
    assert first == "split"
    assert second.startswith("split.")
    assert {first, second} < set(heard.keys("layer_gradients"))
    torch.testing.assert_close(heard.of("layer_gradients", second)[0], heard.of("layer_gradients", first)[0])


def test_whole_numbers_and_single_numbers_are_not_told(watched, heard):
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.arg, self.fc, self.mean = Argmax(), nn.Linear(4, 4), nn.Flatten(0)

        def forward(self, x: Tensor) -> Tensor:
            x = self.fc(x)
            return x * self.arg(x)

    class Argmax(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.argmax()

    model = Odd()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    assert heard.keys("activations") == ["fc"]


def test_evaluation_has_its_own_tag_and_changes_nothing(watched, heard):
    def train(evaluate: bool) -> tuple[list[Tensor], list[Tensor]]:
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 2))
        exporter = watched(model)
        optimizer, heard.messages = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9), []
        for _ in range(3):
            learn(model, optimizer)
            if evaluate:
                assert model.eval() is model
                with torch.no_grad():
                    model(torch.ones(7, 4))
                assert model.train() is model
        exporter.detach()
        told = [m.data for m in heard.messages if m.tag == "train" and isinstance(m.data, Tensor)]
        return told, list(model.state_dict().values())

    plain, evaluated = train(False), train(True)

    assert "eval" in {m.tag for m in heard.messages}
    assert {m.topic for m in heard.messages if m.tag == "eval"} == {
        "input_data",
        "activations",
        "network_output",
    }
    torch.testing.assert_close(evaluated, plain, rtol=0, atol=0)


def test_a_pass_without_gradients_is_no_training(watched, heard):
    model = net()
    watched(model)

    with torch.no_grad():
        model(torch.ones(2, 4))

    assert {m.tag for m in heard.messages} == {"eval"}


def test_a_layer_may_be_called_before_its_model(watched, heard):
    model = net()
    watched(model)

    model[0](torch.ones(2, 4))

    assert [(m.topic, m.key, m.step) for m in heard.messages][-1] == ("activations", "linear0", 1)


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_is_computed_again_for_the_gradient_is_not_told_again(watched, heard, reentrant):
    class Saving(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head = net(), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(checkpoint(self.inner, x.requires_grad_(), use_reentrant=reentrant))

    model = Saving()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    assert heard.keys("activations") == ["inner/linear0", "inner/relu0", "inner/linear1", "head"]


def test_gradients_of_gradients_are_told_without_a_graph(watched, heard):
    model = net()
    watched(model)

    loss = model(torch.randn(5, 4)).square().mean()
    slopes = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
    sum(slope.square().sum() for slope in slopes).backward()

    told = heard.of("layer_gradients", "linear0")
    assert told
    assert not any(gradient.requires_grad for gradient in told)


def test_what_is_told_carries_no_graph(watched, heard):
    model = net()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    assert not any(isinstance(m.data, Tensor) and m.data.requires_grad for m in heard.messages)


def test_a_pass_that_raises_leaves_the_next_one_whole(watched, heard):
    model = net()
    watched(model)
    with pytest.raises(RuntimeError, match="shapes"):
        model(torch.ones(2, 5))

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    assert heard.keys("activations") == ["linear0", "relu0", "linear1"]


def test_functions_of_functions_are_left_alone(watched, heard):
    model = net()
    watched(model)
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(model, parameters, (x,)).square().mean()

    slopes = torch.func.vmap(torch.func.grad(loss), (None, 0))(parameters, torch.randn(3, 4))

    assert slopes["0.weight"].shape == (3, 3, 4)
    assert heard.keys("activations") == heard.keys("activations", "eval") == []


def test_a_recording_of_a_model_has_no_trace_of_who_looks(watched, heard):
    model, given = net(), torch.ones(5, 4)
    plain = str(torch.export.export(model, (given,)).graph)
    watched(model)

    assert str(torch.export.export(model, (given,)).graph) == plain
    assert heard.messages == []


def test_a_model_without_values_tells_nothing(watched, heard):
    model = net().to("meta")
    watched(model)

    model(torch.empty(5, 4, device="meta"))

    assert heard.keys("activations") == []


def test_a_subscriber_that_fails_on_gradients_is_called_once(bus, watched, caplog):
    calls, model = [], net()

    def fail(message: object) -> None:
        calls.append(message)
        raise RuntimeError("no idea")

    bus.subscribe(CallbackSubscriber(fail, topics=["layer_gradients"]))
    watched(model)
    learn(model, torch.optim.SGD(model.parameters(), 0.1), steps=2)

    assert len(calls) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_scale_of_a_loss_is_taken_off_gradients_if_who_scales_is_known(watched, heard, dtype):
    model, given = net().to(dtype), torch.randn(5, 4, dtype=dtype)
    exporter = watched(model)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)

    model(given).square().mean().backward()
    exporter.scaler = scaler
    scaler.scale(model(given).square().mean()).backward()

    plain, unscaled = heard.of("layer_gradients", "linear0")
    assert unscaled.dtype == torch.float32
    torch.testing.assert_close(unscaled, plain.float(), rtol=0, atol=0)


def test_gradients_too_small_for_half_precision_are_told_as_they_are(watched, heard):
    model = net().half()
    exporter = watched(model)
    exporter.scaler = scaler = torch.amp.GradScaler("cpu", init_scale=2.0**30)

    scaler.scale(model(torch.ones(5, 4).half()).float().mean() * 1e-9).backward()

    assert 0 < float(heard.of("layer_gradients", "linear1")[0].max()) < 1e-8


def test_what_scales_has_a_scale(watched):
    with pytest.raises(KindError, match="A scaler has a method `scale`, as a GradScaler has; found 1024"):
        watched(net()).scaler = 1024
