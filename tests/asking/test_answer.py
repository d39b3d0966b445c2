"""What a question may ask, and what it comes to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from akidlab import (
    Brain,
    ConvolutionLayer,
    GraphSystem,
    InnerProductLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
    TorchLayer,
)
from akidlab.asking import answer
from akidlab.asking.names import described
from akidlab.errors import AskError, UnknownNameError
from akidlab.exporter.tree import Tree
from akidlab.messages import PERCENTS


@pytest.fixture(scope="module")
def brain() -> Brain:
    features = GraphSystem(name="features").attach(
        ConvolutionLayer(ksize=3, out_channel_num=4, name="conv1"), ReLULayer(name="relu1")
    )
    loss = SoftmaxWithLossLayer(
        class_num=10, name="loss", inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]
    )
    ip = InnerProductLayer(out_channel_num=10, name="ip", inputs=[{"name": "features"}])
    brain = Brain(name="small").attach(features, ip, loss).setup(*_batch(), seed=0)
    brain.objective(*_batch()).backward()
    return brain


def _batch() -> list[list[Tensor]]:
    torch.manual_seed(0)
    return [[torch.randn(6, 1, 8, 8), torch.arange(6)]]


def out(brain: Brain, name: str) -> Tensor:
    value = brain.get_layer_by_name(name).data
    assert isinstance(value, Tensor)
    return value.detach()


VALUES = {"step": lambda: 12, "lr": lambda: 0.5, "loss": lambda: 2.0}


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("step", 12),
        ("step * 2 + 1", 25),
        ("loss", 2.0),
        ("step > 10 and not lr >= 1", True),
        ("max(step, 20), 2 ** 10", [20, 1024]),
        ("round(lr / 3, 2)", 0.17),
        ("features.conv1.weight.shape", [4, 1, 3, 3]),
        ("features.conv1.weight.dtype == 'torch.float32'", True),
        ("brain['features']['conv1'].weight[0].numel()", 9),
        ("brain[1].bias.shape[0]", 10),
        ("brain[1].bias[[0, 2]].shape", [2]),
        ("-1.5", -1.5),
    ],
)
def test_plain_values(brain: Brain, question: str, found: object) -> None:
    assert answer(question, brain, VALUES) == found


@pytest.mark.parametrize(
    ("question", "among"),
    [
        ("names()", ["features", "ip", "loss", "step", "lr", "brain", "percentiles"]),
        ("names(brain)", ["features", "ip", "loss", "out", "inputs"]),
        ("names(features)", ["conv1", "relu1", "out"]),
        ("names(features.conv1)", ["weight", "bias", "out", "inputs", "input"]),
        ("names(features.conv1.weight)", ["grad", "shape", "percentiles", "std"]),
        ("names(features.conv1.inputs[0])", ["shape", "std"]),
        ("names(features.conv1.inputs)", []),
        ("names(step)", ["isnan", "sqrt"]),
    ],
)
def test_it_says_what_may_be_asked_next(brain: Brain, question: str, among: list[str]) -> None:
    known = answer(question, brain, VALUES)

    assert isinstance(known, list)
    assert [name for name in known if name in among] == among
    assert not any(str(name).startswith("_") for name in known)


def test_it_says_what_is_in_a_module_that_a_layer_wraps() -> None:
    wrapping = TorchLayer(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), name="wrapping")

    assert answer("names()", wrapping)[:3] == ["module", "linear0", "tanh0"]  # type: ignore[index]


def stranger() -> nn.Module:
    """A module as others write them, with modules within by name and by number."""
    layers = nn.ModuleList(
        nn.ModuleDict({"mlp": nn.Sequential(nn.Linear(2, width), nn.ReLU())}) for width in (3, 4)
    )
    return nn.ModuleDict({"encoder": nn.ModuleDict({"layer": layers}), "head": nn.Linear(2, 1)})


@pytest.mark.parametrize(
    "block",
    [
        "encoder/layer/moduledict1/mlp/linear0",  # as tags and findings
        "encoder.layer.moduledict1.mlp.linear0",
        "encoder.layer.1.mlp.0",  # as torch
        "brain.encoder.layer.1.mlp[0]",
        "brain['encoder/layer/moduledict1/mlp/linear0']",
    ],
)
def test_a_block_is_named_as_tags_and_findings_do_and_as_torch_does(block: str) -> None:
    assert answer(f"{block}.weight.shape", stranger()) == [4, 2]
    assert answer(f"1.5 * step / {block}.bias.shape[0] / 1.e0", stranger(), VALUES) == 4.5
    assert answer(f"names({block})", stranger()) == ["weight", "bias", "out", "inputs", "input"]


def test_every_name_of_an_exporter_can_be_asked_for() -> None:
    for module in (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), nn.Linear(2, 1), stranger()):
        tree = Tree()
        tree.add(module)
        for unit in tree.units.values():
            assert str(answer(unit.name, module)).endswith(described(unit.module, "")[len("`brain`") :])


def test_two_paths_may_be_divided() -> None:
    module = stranger()
    first, second = "encoder/layer/moduledict0/mlp/linear0", "encoder/layer/moduledict1/mlp/linear0"

    assert answer(f"{first}.weight.shape[0]/{second}.weight.shape[0]", module) == 0.75
    with pytest.raises(UnknownNameError, match="no block or value `nothing`"):
        answer("encoder/nothing.out", module)
    with pytest.raises(UnknownNameError, match="There is `encoder/layer/moduledict0/mlp/relu0`"):
        answer("relu0.out", module)


def test_of_a_sequence_the_names_are_those_of_tags_and_a_number_stays_one() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))

    assert answer("names()", model)[:3] == ["linear0", "relu0", "linear1"]  # type: ignore[index]
    assert answer("linear1.weight.shape, 0.weight.shape, 0, 1.5", model) == [[1, 3], [3, 2], 0, 1.5]
    assert ".relu0  ReLU" in str(answer("brain", model))


def test_what_is_both_a_block_and_a_value_is_listed_once() -> None:
    model = nn.ModuleDict({"loss": nn.MSELoss()})

    with pytest.raises(UnknownNameError, match=r"Known: step, lr, loss\.$"):
        answer("nothing", model, VALUES)


def test_names_of_two_things_are_refused(brain: Brain) -> None:
    with pytest.raises(AskError, match=r"`names` takes one block or tensor, such as `names\(conv1\)`"):
        answer("names(ip, loss)", brain)


def test_the_example_of_the_manual() -> None:
    conv = ConvolutionLayer(ksize=3, out_channel_num=4, name="conv1")
    brain = Brain(name="small").attach(conv).setup(torch.zeros(6, 1, 8, 8), seed=0)
    made = brain(torch.randn(6, 1, 8, 8))

    found = answer("conv1.out.std(0)", brain)
    assert isinstance(found, np.ndarray)
    assert found == pytest.approx(made.detach().std(0).numpy())  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("question", "compute"),
    [
        ("features.conv1.out.std(0).mean()", lambda out: out.std(0).mean()),
        (
            "(features.conv1.out > 0).float().mean(dim=(0, 2, 3))",
            lambda out: (out > 0).float().mean((0, 2, 3)),
        ),
        ("features.conv1.out.std((0, 2, 3))", lambda out: out.std((0, 2, 3))),
        ("norm(features.conv1.out)", lambda out: out.norm()),
        ("features.conv1.out[:, 1, ::2].sum()", lambda out: out[:, 1, ::2].sum()),
        ("features.conv1.out[features.conv1.out > 1].mean()", lambda out: out[out > 1].mean()),
        ("features.conv1.out.flatten(1).max(1).values", lambda out: out.flatten(1).max(1).values),
        ("abs(features.conv1.out).quantile(0.25)", lambda out: out.abs().quantile(0.25)),
        ("where(features.conv1.out > 0, 1.0, 0.0).sum()", lambda out: (out > 0).sum()),
        ("features.conv1.out[0, 0] @ features.conv1.out[0, 1]", lambda out: out[0, 0] @ out[0, 1]),
        ("1 - features.conv1.out[0] / 2", lambda out: 1 - out[0] / 2),
        ("rms(features.conv1.out)", lambda out: out.square().mean().sqrt()),
    ],
)
def test_what_torch_computes(brain: Brain, question: str, compute: object) -> None:
    expected = compute(out(brain, "features.conv1"))  # type: ignore[operator]

    assert answer(question, brain) == pytest.approx(expected.numpy(), rel=1e-5)


def test_percentiles_are_those_of_numpy(brain: Brain) -> None:
    numbers = out(brain, "features.conv1").numpy()

    assert answer("percentiles(features.conv1.out)", brain) == pytest.approx(np.percentile(numbers, PERCENTS))
    counts, edges = answer("histogram(features.conv1.out, 7)", brain)  # type: ignore[misc]
    assert (counts, edges) == tuple(pytest.approx(part) for part in np.histogram(numbers, 7))


def test_gradients_are_those_of_the_last_step(brain: Brain) -> None:
    weight = brain.get_layer_by_name("ip").weight  # type: ignore[attr-defined]

    assert answer("ip.weight.grad.norm()", brain) == pytest.approx(weight.grad.norm().item())
    with pytest.raises(AskError, match=r"`ip.out` has no gradient"):
        answer("ip.out.grad", brain)


def test_a_block_called_like_a_value_is_meant_before_a_dot(brain: Brain) -> None:
    assert answer("loss.out", brain, VALUES) == pytest.approx(brain.get_layer_by_name("loss").data.item())  # type: ignore[union-attr]


def test_a_block_says_what_may_be_asked_of_it(brain: Brain) -> None:
    assert answer("features.conv1", brain) == (
        "`features.conv1`: ConvolutionLayer\n  .weight  (4, 1, 3, 3)\n  .bias  (4,)\n"
        "  .out, .inputs  of its last pass"
    )


def test_a_strangers_module_is_asked_likewise() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))

    assert answer("brain[0].weight.shape, brain[-1].running_mean.sum()", module) == [[2, 3], 0.0]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("featurs.conv1.out", r"There is no block or value `featurs`. Did you mean `features`\?"),
        ("conv1.out", r"There is no block or value `conv1`.* There is `features.conv1`."),
        ("features.conv.out", r"In `features`: There is no name `conv`. Did you mean `conv1`\?"),
        ("ip.wieght", r"In `ip`: There is no name `wieght`. Did you mean `weight`\?"),
        ("ip.weight.stdd()", r"no function that a question may call `stdd`. Did you mean `std`\?"),
        ("ip.weight.std(dimm=0)", r"no option `dimm`. Did you mean `dim`\?"),
        ("ip.weight.shap", r"no attribute of a tensor `shap`. Did you mean `shape`\?"),
    ],
)
def test_misspelt_names_find_the_nearest(brain: Brain, question: str, text: str) -> None:
    with pytest.raises(UnknownNameError, match=text):
        answer(question, brain, VALUES)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("ip.weight.std(7)", r"`ip.weight.std\(7\)` cannot be computed: Dimension out of range"),
        ("ip.weight.std", r"`std` is a method. Call it: `std\(\)`."),
        ("ip.std()", r"`ip` is a block, .* Ask for what it holds: `ip.out.std\(\)`"),
        ("ip + 1", r"`ip` is a block; only numbers and tensors can be computed with"),
        ("'a' * 9", r"`'a'` is a str; only numbers and tensors"),
        ("1 / 0", r"`1 / 0` cannot be computed: division by zero"),
        ("1 < 2 < 3", r"compares two values"),
        ("1 << 70", r"`1 << 70` is no arithmetic that a question knows"),
        ("not ip.weight", r"`ip.weight` is neither true nor false"),
        ("brain[99]", r"`brain` has 3 blocks; there is no number 99"),
        ("ip[1.5]", r"`ip` is a block; it is taken apart by name or number"),
        ("step.real", r"A int has nothing called `real` that a question may see"),
        ("ip.weight[[0, [1]]]", r"A list that is an index holds whole numbers"),
        ("ip.weight[lr]", r"cannot be computed: "),
        ("step(1)", r"function that a question may call `step`|`step`"),
    ],
)
def test_what_cannot_be_computed_is_said(brain: Brain, question: str, text: str) -> None:
    with pytest.raises((AskError, UnknownNameError), match=text):
        answer(question, brain, VALUES)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(torch.bfloat16, "float32"), (torch.float16, "float16"), (torch.int64, "int64"), (torch.bool, "bool")],
)
def test_arrays_are_those_of_numpy(dtype: torch.dtype, expected: str) -> None:
    module = nn.Module()
    module.register_buffer("kept", torch.tensor([0, 1, 1]).to(dtype))
    found = answer("kept", module)

    assert isinstance(found, np.ndarray)
    assert (str(found.dtype), found.tolist()) == (expected, [0, 1, 1])


def test_an_answer_is_a_copy() -> None:
    module = nn.Linear(2, 2)
    before = answer("weight", module)
    assert isinstance(before, np.ndarray)
    before[:] = 7

    assert not (module.weight == 7).any()


def test_sparse_gradients_are_asked_like_others() -> None:
    module = nn.Embedding(50, 3, sparse=True)
    module(torch.tensor([1, 4])).sum().backward()

    assert answer("weight.grad.sum()", module) == 6.0
    assert np.count_nonzero(answer("weight.grad", module)) == 6  # type: ignore[arg-type]
