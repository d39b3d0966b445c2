"""Feedback, against networks unrolled by hand."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F

from akidlab import (
    BatchNormalizationLayer,
    Block,
    Brain,
    GraphSystem,
    InnerProductLayer,
    MergeLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
)

T = 5


class Tanh(Block):
    NAME = "tanh"

    def forward(self, signal):
        return torch.tanh(signal)


def _recurrent(*, reach: int = 1, **feedback) -> Brain:
    """An Elman network: h = tanh(W x + U h' + b), judged on each step."""
    brain = Brain(name="elman", bptt=reach)
    brain.attach(
        InnerProductLayer(out_channel_num=4, name="in"),
        InnerProductLayer(
            out_channel_num=4, initial_bias_value=None, name="back", inputs=[{"name": "h", **feedback}]
        ),
        MergeLayer(name="sum", inputs=[{"name": "in"}, {"name": "back"}]),
        Tanh(name="h"),
        InnerProductLayer(out_channel_num=3, name="out"),
        SoftmaxWithLossLayer(3, name="loss", inputs=[{"name": "out"}, {"name": "system_in", "idxs": [1]}]),
    )
    return brain.setup([XS[0], YS[0]], seed=0)


torch.manual_seed(0)
XS, YS = torch.randn(T, 6, 2), torch.randint(3, (T, 6))


def _step(brain: Brain, x, state):
    return torch.tanh(
        F.linear(x, brain["in"].weight, brain["in"].bias) + F.linear(state, brain["back"].weight)
    )


def _loss(brain: Brain, state, y):
    return F.cross_entropy(F.linear(state, brain["out"].weight, brain["out"].bias), y)


def _gradients(brain: Brain, loss) -> list[torch.Tensor]:
    return list(torch.autograd.grad(loss, list(brain.parameters())))


def test_a_feedback_reads_what_was_emitted_one_step_ago():
    brain, state = _recurrent(), torch.zeros(6, 4)

    for x, y in zip(XS, YS, strict=True):
        state = _step(brain, x, state)
        torch.testing.assert_close(brain.objective(x, y), _loss(brain, state, y))
        torch.testing.assert_close(brain["h"].data, state)


def test_gradients_stop_at_the_present_step():
    brain, state = _recurrent(), torch.zeros(6, 4)
    for x, y in zip(XS, YS, strict=True):
        loss = brain.objective(x, y)
        state = _step(brain, x, state.detach())

    for ours, theirs in zip(
        _gradients(brain, loss), _gradients(brain, _loss(brain, state, YS[-1])), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("bptt", [2, 3, 5, 9])
def test_gradients_flow_back_through_as_many_steps_as_told(bptt):
    brain, states = _recurrent(reach=bptt), [torch.zeros(6, 4)]
    for t, x in enumerate(XS):
        state = states[max(0, t + 1 - bptt)].detach()
        for s in range(max(0, t + 1 - bptt), t + 1):
            state = _step(brain, XS[s], state)
        states.append(state)
        loss = brain.objective(x, YS[t])

        expected = _loss(brain, state, YS[t])
        torch.testing.assert_close(loss, expected)
        for ours, theirs in zip(_gradients(brain, loss), _gradients(brain, expected), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_the_reach_of_gradients_may_be_written_at_the_input():
    one, other = _recurrent(reach=3), _recurrent(bptt=3)
    losses = [[b.objective(x, y) for x, y in zip(XS, YS, strict=True)][-1] for b in (one, other)]

    for ours, theirs in zip(_gradients(one, losses[0]), _gradients(other, losses[1]), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("bptt", [1, 3])
def test_training_step_by_step_works(bptt):
    brain = _recurrent(reach=bptt)
    optimizer = torch.optim.SGD(brain.parameters(), lr=0.5)
    losses = []

    for _ in range(20):
        brain.reset_state()
        for x, y in zip(XS, YS, strict=True):
            optimizer.zero_grad()
            loss = brain.objective(x, y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

    assert sum(losses[-T:]) < sum(losses[:T])


def test_running_statistics_count_each_step_once():
    def build(bptt):
        brain = Brain(bptt=bptt)
        brain.attach(
            BatchNormalizationLayer(name="bn"),
            MergeLayer(name="sum", inputs=[{"name": "bn"}, {"name": "sum", "delay": 1}]),
        )
        return brain.setup(XS[0], seed=0)

    one, other = build(1), build(4)
    for x in XS:
        one(x)
        other(x)

    torch.testing.assert_close(one["bn"].running_mean, other["bn"].running_mean)


def test_a_block_may_read_its_own_past():
    system = GraphSystem()
    system.attach(MergeLayer(name="sum", inputs=[{"name": "system_in"}, {"name": "sum"}]))

    assert [system(torch.ones(1, 1)).item() for _ in range(3)] == [1, 2, 3]


def test_an_earlier_block_is_delayed_when_told():
    system = GraphSystem()
    system.attach(
        ReLULayer(name="now"),
        MergeLayer(name="sum", inputs=[{"name": "now"}, {"name": "now", "delay": 1}]),
    )

    assert [system(torch.full((1, 1), float(i))).item() for i in (1, 2, 3)] == [1, 3, 5]


@pytest.mark.parametrize(
    "init", [2.0, torch.full((4,), 2.0), torch.full((1, 4), 2.0), torch.full((6, 4), 2.0)]
)
def test_the_first_step_may_start_elsewhere(init):
    brain = _recurrent(init=init)

    expected = _loss(brain, _step(brain, XS[0], torch.full((6, 4), 2.0)), YS[0])
    torch.testing.assert_close(brain.objective(XS[0], YS[0]), expected)


def test_a_start_of_another_shape_is_refused():
    with pytest.raises(
        ValueError,
        match=r"`init` of the feedback from `h` to `back` is shape \[5\], while one sample of `h` is 4",
    ):
        _recurrent(init=torch.zeros(5))


def test_a_start_tells_the_shape_where_nothing_else_does():
    class Copies(Block):
        NAME = "copies"

        def forward(self, signal):
            return signal

    def build(**feedback):
        system = GraphSystem()
        system.attach(Copies(name="first", inputs=[{"name": "second", **feedback}]), Copies(name="second"))
        return system

    assert build(init=torch.zeros(3))(torch.zeros(2, 1)).shape == (2, 3)
    with pytest.raises(
        ValueError, match=r"The shape of the feedback from `second` to `first` cannot be told\. Give"
    ):
        build()(torch.zeros(2, 1))


def test_validation_has_a_memory_of_its_own_and_starts_anew():
    brain, other = _recurrent(), _recurrent()
    brain.objective(XS[0], YS[0])
    other.objective(XS[0], YS[0])

    brain.eval()
    first = [brain.objective(x, y) for x, y in zip(XS, YS, strict=True)]
    brain.train().eval()
    again = [brain.objective(x, y) for x, y in zip(XS, YS, strict=True)]
    brain.train()

    assert first == again
    assert torch.equal(brain.objective(XS[1], YS[1]), other.objective(XS[1], YS[1]))


def test_a_batch_of_another_size_starts_anew():
    brain, fresh = _recurrent(), _recurrent()
    brain.objective(XS[0], YS[0])

    assert torch.equal(brain.objective(XS[1][:2], YS[1][:2]), fresh.objective(XS[1][:2], YS[1][:2]))


def test_the_memory_can_be_cleared():
    brain = _recurrent()
    first = brain.objective(XS[0], YS[0])

    brain.reset_state()

    assert torch.equal(brain.objective(XS[0], YS[0]), first)


@pytest.mark.parametrize("duplicate", ["state", "deepcopy"])
def test_the_memory_is_part_of_the_state(duplicate):
    brain, other = _recurrent(), _recurrent()
    brain.objective(XS[0], YS[0])

    if duplicate == "state":
        other.load_state_dict(brain.state_dict())
    else:
        other = copy.deepcopy(brain)

    assert torch.equal(other.objective(XS[1], YS[1]), brain.objective(XS[1], YS[1]))


def test_inferring_keeps_the_feedback_going():
    brain, other = _recurrent(), _recurrent()

    inferred = [brain.infer(x) for x in XS]
    for x, y in zip(XS, YS, strict=True):
        other.objective(x, y)

    torch.testing.assert_close(inferred[-1], other["out"].data)


def test_nothing_is_read_one_step_ago_without_need():
    brain = _recurrent()

    assert [delay.wire.name for delay in brain.plan().delays] == ["h"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "h", "delay": 2}, "`delay` is 0 or 1, found 2 for `h`"),
        ({"name": "system_in", "delay": 1}, "`system_in` cannot be delayed"),
        ({"name": "h", "delay": -1}, "`delay` is a whole number of 0 or more"),
        ({"name": "h", "init": "zeros"}, "`init` is a number or a tensor"),
    ],
)
def test_impossible_delays_are_refused(entry, message):
    with pytest.raises(ValueError, match=message):
        ReLULayer(inputs=[entry])


def test_gradients_reach_at_least_the_present_step():
    with pytest.raises(ValueError, match="`bptt` is a number of steps of 1 or more, found 0"):
        Brain(bptt=0)
