"""What torch.compile and torch.export make of brains."""

from __future__ import annotations

import pytest
import torch

from akidlab import Brain, GraphSystem, InnerProductLayer, MergeLayer, ReLULayer, SoftmaxWithLossLayer

X, Y = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])


def _compiled(function):
    # `eager` runs what Dynamo captured without generating code for it: the capture is what is ours.
    return torch.compile(function, fullgraph=True, backend="eager")


def _brain(**options) -> Brain:
    brain = Brain()
    brain.attach(
        InnerProductLayer(out_channel_num=3, name="ip", **options),
        ReLULayer(name="relu"),
        SoftmaxWithLossLayer(3, name="loss", inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
    )
    return brain.setup([X, Y], seed=0)


@pytest.fixture(autouse=True)
def _anew():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def test_the_objective_compiles_in_one_graph():
    brain, plain = _brain(wd={"type": "l2", "scale": 0.1}), _brain(wd={"type": "l2", "scale": 0.1})

    loss, expected = _compiled(brain.objective)([X, Y]), plain.objective([X, Y])

    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(brain["ip"].weight.grad, plain["ip"].weight.grad)


def test_losses_and_evaluations_can_be_read_after_a_compiled_pass():
    brain = _brain()

    loss = _compiled(brain.objective)([X, Y])

    assert brain.evals == {"accuracy": (brain.infer(X).argmax(1) == Y).float().mean()}
    torch.testing.assert_close(brain.losses["loss"], loss)


def test_a_compiled_pass_keeps_no_data_of_the_blocks():
    brain = _brain()
    brain([X, Y])
    assert brain["ip"].data is not None

    _compiled(brain.objective)([X, Y])

    assert brain["ip"].data is None


def test_brains_of_different_wiring_compile_apart():
    one, other = _brain(), _brain()
    other.attach(
        SoftmaxWithLossLayer(3, name="more", inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}])
    )
    other.setup([X, Y])

    assert _compiled(one.objective)([X, Y]) == one.objective([X, Y])
    torch.testing.assert_close(_compiled(other.objective)([X, Y]), 2 * one.objective([X, Y]))


def test_hooks_work_in_a_compiled_pass():
    brain = _brain()
    brain["ip"].post_forward_hook.append(lambda block, signal: torch.zeros(6, 3))

    assert _compiled(brain.objective)([X, Y]).item() == pytest.approx(1.0986, abs=1e-4)


def test_a_system_compiles_as_a_module():
    brain = _brain()

    assert torch.compile(brain, fullgraph=True, backend="eager")([X, Y]) == brain([X, Y])


def test_a_block_compiled_in_place_is_called_compiled():
    calls, brain = [], _brain()

    def backend(graph, example_inputs):
        calls.append("compiled")
        return graph.forward

    brain["relu"].compile(backend=backend)
    with torch.no_grad():
        brain([X, Y])

    assert calls == ["compiled"]


@pytest.mark.parametrize("bptt", [1, 3])
def test_feedback_compiles_in_one_graph(bptt):
    def build():
        brain = Brain(bptt=bptt)
        brain.attach(
            InnerProductLayer(out_channel_num=3, name="ip"),
            InnerProductLayer(out_channel_num=3, name="back", inputs=[{"name": "sum"}]),
            MergeLayer(name="sum", inputs=[{"name": "ip"}, {"name": "back"}]),
            SoftmaxWithLossLayer(
                3, name="loss", inputs=[{"name": "sum"}, {"name": "system_in", "idxs": [1]}]
            ),
        )
        return brain.setup([X, Y], seed=0)

    brain, plain = build(), build()
    objective = _compiled(brain.objective)

    for scale in (1.0, 2.0, 3.0, 4.0):
        loss, expected = objective([scale * X, Y]), plain.objective([scale * X, Y])
        torch.testing.assert_close(loss, expected)
    for one, other in zip(
        torch.autograd.grad(loss, list(brain.parameters())),
        torch.autograd.grad(expected, list(plain.parameters())),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_a_brain_exports():
    brain = _brain()

    program = torch.export.export(brain, (X, Y))

    torch.testing.assert_close(program.module()(X, Y), brain(X, Y))


def test_a_brain_is_set_up_before_it_is_compiled():
    brain = Brain()
    brain.attach(InnerProductLayer(out_channel_num=3))

    with pytest.raises(RuntimeError, match=r"Set a block up before it is compiled"):
        _compiled(brain)([X])


def test_a_nested_feedback_and_gradients_through_time_exclude_each_other():
    inner = GraphSystem(name="inner")
    inner.attach(MergeLayer(name="sum", inputs=[{"name": "system_in"}, {"name": "sum"}]))
    inner(X)
    outer = GraphSystem(name="outer", bptt=2)
    outer.attach(inner, MergeLayer(name="all", inputs=[{"name": "inner"}, {"name": "all"}]))

    with pytest.raises(
        ValueError, match=r"Gradients of `outer` cannot flow back through 2 steps, since a system within"
    ):
        outer(X)
