"""The graph of any module, as one pass shows it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from akidlab import InnerProductLayer, SequentialSystem, graph
from akidlab.errors import BlockError, KindError
from akidlab.messages import Graph


class Unit(nn.Module):
    """A residual unit that adds in place and calls one module twice."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.down = None if before == after else nn.Conv2d(before, after, 1)

    def forward(self, x):
        y = self.relu(self.conv(x))
        y += x if self.down is None else self.down(x)
        return self.relu(y)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.units = nn.Sequential(Unit(3, 3), Unit(3, 4))
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        size = x.shape[0]
        x = F.adaptive_avg_pool2d(self.units(x), 1).reshape(size, -1).contiguous()
        return self.fc(x)


def _edges(graph: Graph) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in graph.edges}


def _holds(graph: Graph, module: nn.Module) -> None:
    nodes = {node.id: node for node in graph.nodes}
    assert len(nodes) == len(graph.nodes)
    assert graph.parameters == sum(p.numel() for p in module.parameters())
    for edge in graph.edges:
        source = nodes[edge.source]
        assert source.parent == nodes[edge.target].parent
        assert source.shape is not None
        assert source.shape[edge.output] == edge.shape
    for node in graph.nodes:
        parts = [edge.part for edge in graph.edges if edge.target == node.id]
        assert sorted(parts) == list(range(len(parts)))


def test_residuals_functions_and_modules_called_twice_are_seen():
    module = Net()
    found = graph(module, torch.zeros(2, 3, 8, 8))

    _holds(found, module)
    assert {(s, t) for s, t in _edges(found) if s.startswith("units.1.")} == {
        ("units.1.system_in", "units.1.conv"),
        ("units.1.conv", "units.1.relu"),
        ("units.1.system_in", "units.1.down"),
        ("units.1.relu", "units.1.add"),
        ("units.1.down", "units.1.add"),
        ("units.1.add", "units.1.relu:2"),
    }
    assert ("units.0.system_in", "units.0.add") in _edges(found)
    assert [(s, t) for s, t in sorted(_edges(found)) if "." not in s] == [
        ("adaptive_avg_pool2d", "reshape"),
        ("reshape", "fc"),
        ("system_in", "units"),
        ("units", "adaptive_avg_pool2d"),
    ]
    assert found.node("units.1.relu:2").tied == "units.1.relu"
    assert (found.node("units.1").role, found.node("units.1.add").kind) == ("system", "add")


def test_a_pass_that_is_watched_changes_nothing():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout())
    before = {name: value.clone() for name, value in module.state_dict().items()}

    graph(module, torch.randn(4, 3))

    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(m.training and not m._forward_hooks and not m._forward_pre_hooks for m in module.modules())


class Reaching(nn.Module):
    """A module whose inner one reads a tensor that it was not given."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 3))
        self.inner.register_forward_pre_hook(lambda _, args: (args[0] + self.kept,))

    def forward(self, x, other):
        self.kept = 2 * other
        return self.inner(x), other.sum()


def test_several_inputs_and_what_is_made_beside_the_modules_are_seen():
    found = graph(Reaching(), torch.zeros(2, 3), torch.ones(2, 3))

    assert {(e.source, e.target, e.output) for e in found.edges} >= {
        ("system_in", "mul", 1),
        ("system_in", "add", 0),
        ("mul", "add", 0),
        ("add", "inner", 0),
        ("system_in", "sum", 1),
    }


def test_attention_is_a_block_and_its_parameters_are_counted():
    module = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
    found = graph(module, torch.zeros(2, 5, 8))

    _holds(found, module)
    assert found.node("self_attn").parameters == sum(p.numel() for p in module.self_attn.parameters())


@settings(deadline=None, max_examples=30)
@given(st.recursive(st.sampled_from(["linear", "relu", "tanh"]), lambda inner: st.lists(inner, max_size=3)))
def test_nested_rows_of_modules_are_rows_of_nodes(drawn):
    module = nn.Sequential(_made(drawn))

    found = graph(module, torch.zeros(2, 3))

    _holds(found, module)
    calls = [m for m in module.modules() if not isinstance(m, nn.Sequential)]
    leaves = [node for node in found.nodes if node.role == "block" and node.kind != "Sequential"]
    assert [type(m).__name__ for m in calls] == [node.kind for node in leaves]


def _made(drawn) -> nn.Module:
    if isinstance(drawn, list):
        return nn.Sequential(*map(_made, drawn))
    return {"linear": nn.Linear(3, 3), "relu": nn.ReLU(), "tanh": nn.Tanh()}[drawn]


def test_a_system_tells_its_wiring():
    system = SequentialSystem().attach(InnerProductLayer(out_channel_num=2, name="ip"))

    assert graph(system) == system.graph()
    assert graph(system, torch.ones(2, 3)).node("ip").shape == [(None, 2)]


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(KindError, match="a module, found int"):
        graph(3)  # type: ignore[arg-type]
    with pytest.raises(KindError, match="Give an example"):
        graph(nn.Linear(3, 3))


@pytest.mark.parametrize(
    ("module", "example"),
    [
        (nn.Linear(3, 2), [torch.zeros(2, 3)]),
        (nn.Conv2d(3, 4, 3), [torch.zeros(2, 3, 8, 8)]),
        (nn.LSTM(3, 4), [torch.zeros(5, 2, 3)]),
        (nn.MultiheadAttention(8, 2), [torch.zeros(5, 2, 8)] * 3),
    ],
)
def test_a_module_alone_is_a_node_that_holds_its_parameters(module, example):
    found = graph(module, *example)

    _holds(found, module)
    assert [node.kind for node in found.nodes] == ["Input", type(module).__name__]
    assert len(found.edges) == len(example)


def test_one_node_is_told_in_the_singular():
    found = graph(nn.Linear(3, 2), torch.zeros(2, 3))

    assert repr(found) == "<Graph of Linear: 1 node, 1 edge, 8 parameters>"


def test_a_kid_is_led_to_its_brain():
    kid = SimpleNamespace(brain=SequentialSystem())

    with pytest.raises(
        KindError, match=r"a module, found SimpleNamespace\. Draw its brain: graph\(kid\.brain\)"
    ):
        graph(kid)  # type: ignore[arg-type]


def test_who_refused_what_is_told_and_why():
    module = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(3, 2)))

    with pytest.raises(
        BlockError, match=r"`1\.0`, a Linear, refused a tensor of \(2, 5\): mat1 and mat2"
    ) as told:
        graph(module, torch.zeros(2, 5))
    with pytest.raises(BlockError, match="`0`, a ReLU, refused a str: relu"):
        graph(module, "x")

    assert isinstance(told.value.__cause__, RuntimeError)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())
