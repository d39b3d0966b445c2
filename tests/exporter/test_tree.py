"""Modules and parameters have names that people find again."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from akidlab import (
    Brain,
    ConvolutionLayer,
    InnerProductLayer,
    ReLULayer,
    SequentialSystem,
    SoftmaxWithLossLayer,
)
from akidlab.errors import KindError
from akidlab.exporter import Exporter
from tests.exporter.conftest import learn


def names(model: object, depth: int = -1, module_filter: object = None, recursive: bool = True) -> list[str]:
    exporter = Exporter(depth, module_filter)
    exporter.add_modules(model, recursive)
    found = [module.name for module in exporter.named_modules]
    exporter.detach()
    return found


def nested() -> nn.Module:
    return nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), nn.Linear(3, 2))


class Small(nn.Module):
    """A net with named parts, one of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.ReLU())
        self.classifier = nn.Linear(2, 2)
        self.again = self.classifier
        self.token = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)) + self.token)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (-1, ["sequential0/linear0", "sequential0/relu0", "linear0"]),
        (0, ["sequential"]),
        (1, ["sequential0", "linear0"]),
        (2, ["sequential0/linear0", "sequential0/relu0", "linear0"]),
    ],
)
def test_depth_says_how_deep_to_look(depth, expected):
    assert names(nested(), depth) == expected


def test_names_are_those_of_attributes_and_numbers_count_by_class():
    features = [f"features/{name}" for name in ("conv2d0", "relu0", "conv2d1", "relu1")]

    assert names(Small()) == [*features, "classifier"]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([nn.Conv2d], ["features/conv2d0", "features/conv2d1"]),
        (["features/conv*"], ["features/conv2d0", "features/conv2d1"]),
        (["classifier", nn.ReLU], ["features/relu0", "features/relu1", "classifier"]),
        ([], []),
    ],
)
def test_a_filter_takes_classes_and_names(kinds, expected):
    assert names(Small(), module_filter=kinds) == expected


def test_a_name_may_be_given():
    assert names(("encoder", nested())) == [
        "encoder/sequential0/linear0",
        "encoder/sequential0/relu0",
        "encoder/linear0",
    ]
    assert names(("encoder", nested()), recursive=False) == ["encoder"]
    assert names(nested(), recursive=False) == ["sequential"]


def test_layers_wrapped_one_by_one_have_names_of_their_own():
    exporter = Exporter()
    layer = nn.Linear(4, 3)

    assert exporter(layer) is layer
    exporter(nn.ReLU())
    exporter(nn.Linear(3, 2))
    exporter(layer)

    assert [module.name for module in exporter.named_modules] == ["linear", "relu", "linear1"]
    assert exporter.modules[0] is layer
    exporter.detach()


@pytest.mark.parametrize("what", [3, "model", (1, nn.ReLU()), nn.ReLU])
def test_what_is_no_module_is_refused(what):
    with pytest.raises(KindError, match="Give a torch module, or a name and a module; found"):
        Exporter().add_modules(what)


def test_parameters_that_are_no_weights_are_told_by_name(watched, heard):
    model = Small()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1), given=torch.randn(2, 1, 6, 6))

    assert heard.keys("weights") == ["small.token", "features/conv2d0", "features/conv2d1", "classifier"]
    assert heard.keys("bias_updates") == ["features/conv2d0", "features/conv2d1", "classifier"]


def test_attention_is_one_module_with_all_its_parameters(watched, heard):
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.attention(x, x, x)[0]

    model = Attending()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1), given=torch.randn(2, 3, 4))

    assert heard.keys("activations") == ["attention", "attention.1"]
    assert heard.keys("weight_gradients") == ["attention.in_proj_weight", "attention.out_proj.weight"]
    assert heard.keys("bias_gradients") == ["attention.in_proj_bias", "attention.out_proj.bias"]


def test_a_parametrized_layer_stays_one(watched, heard):
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), nn.ReLU())
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    assert heard.keys("activations") == ["linear0", "relu0"]
    assert len(heard.keys("weights")) == 2


def test_a_tied_weight_is_told_once(watched, heard):
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    model[2].weight = model[0].weight
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    assert heard.keys("weights") == ["linear0"]
    assert heard.keys("biases") == ["linear0", "linear1"]


def test_a_model_that_changes_is_named_anew(watched, heard):
    model = nested()
    watched(model)
    learn(model, torch.optim.SGD(model.parameters(), 0.1))
    heard.messages = []

    model[1] = nn.Sequential(nn.Tanh(), nn.Linear(3, 1))
    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    expected = ["sequential0/linear0", "sequential0/relu0", "sequential1/tanh0", "sequential1/linear0"]
    assert heard.keys("activations") == expected
    assert heard.keys("weights") == [expected[0], expected[3]]


def test_lazy_parameters_are_told_once_they_are_there(watched, heard):
    model = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(2))
    watched(model)
    with torch.no_grad():
        model(torch.randn(5, 4))

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    assert heard.keys("weights") == heard.keys("activations")[::2] == ["linear0", "linear1"]


def brain() -> Brain:
    brain = Brain(name="small")
    brain.attach(
        SequentialSystem(name="head").attach(
            ConvolutionLayer(ksize=[3, 3], out_channel_num=2, name="conv"), ReLULayer(name="relu")
        ),
        InnerProductLayer(out_channel_num=2, name="ip"),
        SoftmaxWithLossLayer(
            class_num=2, name="loss", inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]
        ),
    )
    return brain


def test_a_block_is_one_module_and_a_brain_tells_of_its_loss(watched, heard):
    model, given = brain(), [torch.randn(4, 1, 6, 6), torch.tensor([0, 1, 1, 0])]
    watched(model)
    model.setup(given, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    heard.messages = []
    model.objective(given).backward()
    optimizer.step()

    assert heard.keys("activations") == ["head/conv", "head/relu", "ip"]
    assert heard.keys("layer_gradients") == ["ip", "head/relu", "head/conv"]
    assert heard.keys("weight_updates") == heard.keys("bias_gradients") == ["head/conv", "ip"]
    torch.testing.assert_close(heard.of("input_labels"), [given[1]])
    torch.testing.assert_close(heard.of("network_output"), heard.of("activations", "ip"))
    assert {m.step for m in heard.messages} == {1}


def test_an_edited_brain_tells_of_its_new_blocks(watched, heard):
    model, given = brain(), [torch.randn(4, 1, 6, 6), torch.tensor([0, 1, 1, 0])]
    model.setup(given, seed=0)
    watched(model)

    model.insert_after("ip", InnerProductLayer(out_channel_num=2, name="ip2"))
    model.replace("loss", SoftmaxWithLossLayer(class_num=2, name="loss", multiplier=2.0))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model.objective(given).backward()
    optimizer.step()

    assert heard.keys("activations") == ["head/conv", "head/relu", "ip", "ip2"]
    assert heard.keys("weights") == ["head/conv", "ip", "ip2"]
    torch.testing.assert_close(heard.of("input_labels"), [given[1]])


def test_predictions_are_evaluations_without_numbers(watched, heard):
    model, given = brain(), [torch.randn(4, 1, 6, 6), torch.tensor([0, 1, 1, 0])]
    model.setup(given, seed=0)
    watched(model)

    model.eval()
    for _ in range(2):
        model.infer(given[0])

    assert heard.keys("activations", "eval") == ["head/conv", "head/relu", "ip"] * 2
