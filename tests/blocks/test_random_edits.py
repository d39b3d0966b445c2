"""Edits drawn at random: each leaves a system that computes what its wiring says, or changes nothing."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab import Block, GraphSystem, InnerProductLayer, ReLULayer, System, TanhLayer
from akidlab.errors import AkidlabError
from tests.blocks.naive import Past, interpreted, signals, systems

ACTS = ("insert_after", "insert_after", "replace", "remove", "rewire", "attach")


def _paths(system: System, prefix: str = "") -> list[str]:
    found = []
    for block in system.blocks:
        found.append(prefix + block.name)
        if isinstance(block, System):
            found += _paths(block, f"{prefix}{block.name}.")
    return found


def _new(draw) -> Block:
    kind = draw(st.sampled_from(["ip", "ip", "relu", "tanh", "system"]))
    if kind == "ip":
        return InnerProductLayer(out_channel_num=draw(st.integers(1, 4)))
    if kind == "system":
        return GraphSystem().attach(InnerProductLayer(out_channel_num=2), ReLULayer())
    return ReLULayer() if kind == "relu" else TanhLayer()


def _edit(draw, system: GraphSystem) -> None:
    act, paths = draw(st.sampled_from(ACTS)), _paths(system)
    path = draw(st.sampled_from(paths))
    if act == "insert_after":
        system.insert_after(draw(st.sampled_from(["system_in", *paths])), _new(draw), seed=1)
    elif act == "replace":
        system.replace(path, _new(draw), seed=1)
    elif act == "remove":
        system.remove(path)
    elif act == "attach":
        system.attach(_new(draw))
    else:
        outer = path.rpartition(".")[0]
        owner = system[outer] if outer else system
        assert isinstance(owner, System)
        names = ["system_in", *(block.name for block in owner.blocks)]
        system.rewire(path, [{"name": draw(st.sampled_from(names))}])


def _everything(system: GraphSystem) -> list[object]:
    blocks = [(path, m) for path, m in system.named_modules() if isinstance(m, Block)]
    facts = [(path, id(b), b.inputs, b.in_shape, b.out_shape, b.is_setup) for path, b in blocks]
    return [*facts, *((name, id(tensor)) for name, tensor in system.state_dict(keep_vars=True).items())]


def _check(system: GraphSystem) -> None:
    past = Past()
    system.reset_state()
    with torch.no_grad():
        for x in signals(3, 2):
            ours, theirs = system(x), interpreted(system, [x], past)
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@settings(deadline=None, max_examples=80)
@given(systems(), st.data())
def test_random_edits_keep_a_system_consistent(system, data):
    system.setup(signals(1, 2)[0], seed=0)
    for _ in range(data.draw(st.integers(1, 5))):
        before = dict(system.named_parameters())
        everything, count = _everything(system), len(system.edits)
        try:
            _edit(data.draw, system)
        except AkidlabError:
            assert _everything(system) == everything
            assert len(system.edits) == count
            _check(system)
            continue
        _check(system)
        _tells_the_truth(system, before)
    _saves_and_loads(system)


def _tells_the_truth(system: GraphSystem, before: dict[str, torch.nn.Parameter]) -> None:
    edit, after = system.edits[-1], dict(system.named_parameters())
    made = {name for name, p in after.items() if all(p is not b for b in before.values())}
    assert made == {text.split()[0] for text in (*edit.new, *edit.anew)}
    assert edit.kept == len(after) - len(made)
    assert [path for path in _paths(system) if not system[path].is_setup] == []
    order = [name.rpartition(".")[0] for name in after]
    inner = [path for path in _paths(system) if not isinstance(system[path], System) and path in order]
    assert list(dict.fromkeys(order)) == inner


def _saves_and_loads(system: GraphSystem) -> None:
    other, x = system.get_clone(), signals(1, 2)[0]
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.normal_()
        other.load_state_dict(system.state_dict())
        torch.testing.assert_close(other(x), system(x))
