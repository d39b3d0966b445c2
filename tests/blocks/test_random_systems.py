"""Systems drawn at random, with feedbacks, lists and systems within, against a naive interpreter."""

from __future__ import annotations

import io
import pickle

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from akidlab import GraphSystem
from tests.blocks.naive import Past, interpreted, signals, systems

FEW = settings(deadline=None, max_examples=800)


def _close(one, other) -> None:
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@FEW
@given(systems(), st.integers(1, 3))
def test_the_flat_plan_computes_what_a_naive_interpreter_does(system, batch):
    xs, past = signals(3, batch), Past()
    system.setup(xs[0], seed=0)

    with torch.no_grad():
        for x in xs:
            _close(system(x), interpreted(system, [x], past))


@FEW
@given(systems())
def test_gradients_of_a_step_are_those_of_the_interpreter(system):
    x = signals(1, 2)[0]
    system.setup(x, seed=0)
    parameters = list(system.parameters())

    ours, theirs = _last(system(x)), _last(interpreted(system, [x], Past()))

    _close(ours, theirs)
    if ours.requires_grad:
        pairs = zip(_gradients(ours, parameters), _gradients(theirs, parameters), strict=True)
        for one, other in pairs:
            assert (one is None) == (other is None)
            if one is not None:
                _close(one, other)


@settings(deadline=None, max_examples=20)
@given(systems(), st.sampled_from(["file", "pickle", "clone", "deepened"]))
def test_what_is_saved_and_loaded_computes_the_same(system, way):
    xs = signals(3, 2)
    bare = pickle.loads(pickle.dumps(system))
    system.setup(xs[0], seed=0)
    system(xs[0])

    if way == "file":
        file = io.BytesIO()
        torch.save(system.state_dict(), file)
        file.seek(0)
        other = bare
        other.load_state_dict(torch.load(file))
    elif way == "deepened":  # a state goes with the blocks into a system around
        around, other = GraphSystem(name="a").attach(system), GraphSystem(name="a").attach(bare)
        other.load_state_dict(around.state_dict())
        system = around
    else:
        other = pickle.loads(pickle.dumps(system)) if way == "pickle" else system.get_clone()

    with torch.no_grad():
        for x in xs[1:]:
            _close(other(x), system(x))


def _last(value):
    return value[-1] if isinstance(value, list) else value


def _gradients(value, parameters):
    return torch.autograd.grad(value.square().sum(), parameters, allow_unused=True) if parameters else ()
