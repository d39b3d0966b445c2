"""Brains: losses, evaluations, parameters, states."""

from __future__ import annotations

import cloudpickle
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from akidlab import (
    BatchNormalizationLayer,
    Block,
    Brain,
    ConvolutionLayer,
    GraphBrain,
    GraphSystem,
    InnerProductLayer,
    LossLayer,
    MergeLayer,
    ReLULayer,
    SequentialBrain,
    SequentialSystem,
    SoftmaxWithLossLayer,
)

X, Y = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
L2 = {"type": "l2", "scale": 0.1}
JUDGED = [{"name": "ip"}, {"name": "system_in", "idxs": [1]}]


def _brain(**options) -> Brain:
    brain = GraphBrain(name="small")
    brain.attach(
        InnerProductLayer(out_channel_num=3, name="ip", **options),
        SoftmaxWithLossLayer(class_num=3, name="loss", inputs=JUDGED),
    )
    return brain.setup(X, seed=0)


def test_a_brain_returns_what_its_last_block_emits():
    brain = _brain()

    loss = brain([X, Y])

    expected = F.cross_entropy(F.linear(X, brain["ip"].weight, brain["ip"].bias), Y)
    torch.testing.assert_close(loss, expected)
    assert brain.data is loss
    assert brain.loss is loss


@pytest.mark.parametrize(
    "given", [lambda b: b([X, Y]), lambda b: b((X, Y)), lambda b: b(X, Y), lambda b: b.forward([X, Y])]
)
def test_inputs_come_in_a_list_or_one_by_one(given):
    brain = _brain()

    assert given(brain) == brain.objective([X, Y])


def test_the_accuracy_is_the_share_of_hits():
    brain = _brain()

    brain([X, Y])

    hits = brain["ip"].data.argmax(1) == Y
    assert brain.evals == {"accuracy": hits.float().mean()}
    assert brain.verbose_evals == {}


def test_nothing_is_evaluated_before_a_pass():
    brain = _brain()

    assert (brain.evals, brain.losses, brain.loss) == ({}, {}, None)


@pytest.mark.parametrize(
    ("kind", "cost"), [("l2", lambda w: w.square().sum() / 2), ("l1", lambda w: w.abs().sum())]
)
def test_weight_decay_joins_the_loss(kind, cost):
    brain = _brain(wd={"type": kind, "scale": 0.1})

    total = brain.objective(X, Y)

    expected = 0.1 * cost(brain["ip"].weight)
    torch.testing.assert_close(brain.losses["ip"], expected)
    torch.testing.assert_close(total, brain["loss"].data + expected)
    torch.testing.assert_close(brain.loss, total)


def test_weight_decay_counts_biases_when_told():
    brain = _brain(wd=L2, wd_on_bias=True, initial_bias_value=2.0)

    expected = 0.05 * (brain["ip"].weight.square().sum() + 12)
    torch.testing.assert_close(brain["ip"].loss, expected)


@pytest.mark.parametrize(
    "wd", ["l2", {"type": "l2"}, {"type": "l2", "scale": -1}, {"type": "l2", "scale": "x"}]
)
def test_weight_decay_written_otherwise_is_refused(wd):
    with pytest.raises(ValueError, match="`wd`"):
        InnerProductLayer(out_channel_num=1, wd=wd)


def test_a_misspelt_weight_decay_names_the_nearest():
    with pytest.raises(KeyError, match=r"There is no type of weight decay `l22`\. Did you mean `l2`\?"):
        InnerProductLayer(out_channel_num=1, wd={"type": "l22", "scale": 1})


def test_losses_are_scaled_once_and_summed():
    brain = Brain()
    brain.attach(
        InnerProductLayer(out_channel_num=3, name="ip"),
        SoftmaxWithLossLayer(3, name="one", inputs=JUDGED),
        SoftmaxWithLossLayer(3, name="half", multiplier=0.5, inputs=JUDGED),
    )

    total = brain.objective(X, Y)

    torch.testing.assert_close(brain["half"].data, brain["one"].data / 2)
    torch.testing.assert_close(total, brain["one"].data * 1.5)
    assert list(brain.losses) == ["one", "half"]
    assert list(brain.evals) == ["one_accuracy", "half_accuracy"]


def test_a_block_of_your_own_may_add_to_the_loss():
    class Energy(Block):
        NAME = "energy"

        def forward(self, signal):
            return signal

        @property
        def loss(self):
            return None if self.data is None else self.data.square().mean()

    brain = Brain()
    brain.attach(InnerProductLayer(out_channel_num=3, name="ip"), Energy())

    assert brain.objective(X) == brain["ip"].data.square().mean()


def test_a_brain_without_a_loss_can_be_called():
    brain = Brain()
    brain.attach(InnerProductLayer(out_channel_num=3, name="ip", wd=L2))

    assert brain(X).shape == (6, 3)
    assert brain.loss is None


def test_a_brain_without_a_loss_has_no_objective():
    brain = Brain(name="small")
    brain.attach(InnerProductLayer(out_channel_num=3))

    with pytest.raises(ValueError, match=r"`small` has no loss to minimise\. Attach a loss layer"):
        brain.objective(X)


def test_labels_are_not_needed_to_infer():
    brain = _brain()

    assert torch.equal(brain.infer(X), F.linear(X, brain["ip"].weight, brain["ip"].bias))
    assert brain["loss"].data is None


def test_inferring_sets_up_too():
    brain = Brain()
    brain.attach(
        InnerProductLayer(out_channel_num=3, name="ip"), SoftmaxWithLossLayer(3, name="loss", inputs=JUDGED)
    )

    assert brain.infer(X).shape == (6, 3)


def test_inferring_runs_only_what_the_loss_judges():
    seen, brain = [], Brain()
    late = ReLULayer(name="late")
    late.pre_forward_hook.append(lambda *_: seen.append("late"))
    brain.attach(
        InnerProductLayer(out_channel_num=3, name="ip"),
        late,
        SoftmaxWithLossLayer(3, name="loss", inputs=JUDGED),
    )
    brain.setup(X)

    assert brain.infer(X) is brain["ip"].data
    assert seen == []


def test_each_head_can_be_inferred_without_labels():
    two = [{"name": "system_in", "idxs": [1]}, {"name": "system_in", "idxs": [2]}]
    brain = Brain(name="two").attach(
        InnerProductLayer(out_channel_num=4, name="trunk"),
        InnerProductLayer(out_channel_num=3, name="left", inputs=[{"name": "trunk"}]),
        SoftmaxWithLossLayer(3, name="loss1", inputs=[{"name": "left"}, two[0]]),
        InnerProductLayer(out_channel_num=2, name="right", inputs=[{"name": "trunk"}]),
        SoftmaxWithLossLayer(2, name="loss2", inputs=[{"name": "right"}, two[1]]),
    )
    x = torch.randn(4, 5)
    brain(x, torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1, 1, 0]))

    assert torch.equal(brain.infer(x), brain["right"].data)
    assert torch.equal(brain.infer(x, block="left"), brain["left"].data)
    with pytest.raises(KeyError, match=r"There is no block `lef`\. Did you mean `left`\?"):
        brain.infer(x, block="lef")


def test_without_a_loss_inferring_runs_all():
    brain = Brain()
    brain.attach(InnerProductLayer(out_channel_num=3, name="ip"), ReLULayer(name="relu"))

    assert brain.infer(X) is brain["relu"].data


def test_missing_labels_are_explained():
    with pytest.raises(
        ValueError,
        match=r"`loss` reads element 1 of `system_in`, which was given 1\. .*`brain\.infer\(x\)` needs",
    ):
        _brain()(X)


def test_labels_of_the_wrong_shape_are_explained():
    with pytest.raises(
        ValueError, match=r"`loss` wants one whole number per sample as labels, N = 6 of them, found 6×1"
    ):
        _brain()(X, Y[:, None])


def test_labels_beyond_the_classes_are_explained():
    with pytest.raises(ValueError, match=r"`loss` wants labels from 0 to 2, found 3"):
        _brain()(X, Y + 1)


def test_samples_labelled_minus_100_count_for_nothing():
    brain, some = _brain(), Y.clone()
    some[:2] = -100

    loss = brain(X, some)

    logits = brain["ip"].data
    torch.testing.assert_close(loss, F.cross_entropy(logits[2:], Y[2:]))
    assert brain.evals == {"accuracy": (logits[2:].argmax(1) == Y[2:]).float().mean()}


def test_no_other_label_below_zero_hides_behind_an_ignored_one():
    labels = Y.clone()
    labels[0], labels[1] = -100, -3

    with pytest.raises(ValueError, match="`loss` wants labels from 0 to 2, found -3"):
        _brain()(X, labels)


def test_an_empty_batch_makes_an_empty_value():
    brain = _brain()

    assert brain.infer(torch.zeros(0, X.shape[1])).shape == (0, 3)


def test_logits_of_another_number_of_classes_are_explained():
    brain = Brain()
    brain.attach(
        InnerProductLayer(out_channel_num=3, name="ip"), SoftmaxWithLossLayer(10, name="loss", inputs=JUDGED)
    )

    with pytest.raises(ValueError, match=r"`loss` wants logits of N×10, found 6×3"):
        brain(X, Y)


def test_a_loss_wired_to_one_input_is_explained():
    brain = Brain()
    brain.attach(InnerProductLayer(out_channel_num=3), SoftmaxWithLossLayer(3, name="loss"))

    with pytest.raises(ValueError, match=r"`loss` wants logits and labels, found 6×3\. Wire both"):
        brain(X, Y)


@pytest.mark.parametrize("labels", [Y.int(), F.one_hot(Y, 3).float()])
def test_labels_may_be_short_integers_or_distributions(labels):
    brain = _brain()

    torch.testing.assert_close(brain(X, labels), brain(X, Y))
    torch.testing.assert_close(brain.evals["accuracy"], _accuracy(brain))


def _accuracy(brain):
    return (brain["ip"].data.argmax(1) == Y).float().mean()


def _nested() -> Brain:
    inner = GraphSystem(name="unit")
    inner.attach(
        BatchNormalizationLayer(name="bn"),
        ReLULayer(name="relu"),
        ConvolutionLayer(3, out_channel_num=4, name="conv", wd=L2),
        MergeLayer(name="sum", inputs=[{"name": "conv"}, {"name": "system_in"}]),
    )
    row = SequentialSystem(name="row")
    row.attach(ConvolutionLayer(3, out_channel_num=4, name="conv"), inner)
    brain = Brain(name="deep")
    brain.attach(
        row,
        InnerProductLayer(out_channel_num=3, name="ip"),
        SoftmaxWithLossLayer(3, name="loss", inputs=JUDGED),
    )
    return brain


def test_parameters_of_nested_systems_are_found_and_trained():
    brain, images = _nested(), torch.randn(6, 1, 5, 5)
    brain.objective(images, Y).backward()

    assert len(brain.get_filters()) == 8
    assert brain.num_parameters() == (9 + 1) * 4 + 8 + (36 + 1) * 4 + (100 + 1) * 3
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in brain.get_filters(["ip"]))
    assert all(p.grad is not None for p in brain.get_filters())


def test_weight_decay_of_nested_systems_joins_the_loss():
    brain = _nested()

    total = brain.objective(torch.randn(6, 1, 5, 5), Y)

    assert list(brain.losses) == ["row.unit.conv", "loss"]
    torch.testing.assert_close(total, sum(brain.losses.values()))


def test_what_is_attached_to_a_nested_system_later_is_set_up_and_judged():
    brain, images = _nested(), torch.randn(6, 1, 5, 5)
    brain(images, Y)

    brain["row"]["unit"].attach(ConvolutionLayer(1, out_channel_num=4, name="late", wd=L2))
    brain.objective(images, Y)

    assert "row.unit.late" in brain.losses


def test_filters_of_named_blocks_come_in_that_order():
    brain = _nested().setup(torch.randn(6, 1, 5, 5))

    assert brain.get_filters(["ip"]) == list(brain["ip"].parameters())
    assert brain.get_filters("ip") == brain.get_filters(["ip"])
    with pytest.raises(KeyError, match=r"There is no block `ipp`\. Did you mean `ip`"):
        brain.get_filters(["ipp"])


def test_parameters_can_be_counted_before_set_up_where_sizes_are_written_down():
    brain = Brain()
    brain.attach(InnerProductLayer(in_channel_num=4, out_channel_num=3))

    assert brain.num_parameters() == 15
    assert not brain.is_setup


def test_a_sequential_brain_passes_lists_on():
    class Head(LossLayer):
        def forward(self, signal):
            logits, labels = signal
            return F.cross_entropy(logits, labels)

    class Logits(InnerProductLayer):
        def forward(self, signal):
            return [super().forward(signal[0]), signal[1]]

        def _given(self, signal):
            return 4

        def _check(self, signal):
            pass

    brain = SequentialBrain()
    brain.attach(Logits(out_channel_num=3), Head())

    brain.objective([X, Y]).backward()

    assert brain[0].weight.grad is not None
    assert isinstance(brain, Brain)


def test_a_brain_learns():
    brain = _brain()
    optimizer = torch.optim.SGD(brain.parameters(), lr=1.0)
    first = brain.objective(X, Y).item()

    for _ in range(50):
        optimizer.zero_grad()
        brain.objective(X, Y).backward()
        optimizer.step()

    assert brain.objective(X, Y).item() < first / 2


def test_states_travel_between_brains():
    brain, other = _brain(), _brain()
    nn.init.zeros_(brain["ip"].weight)

    other.load_state_dict(brain.state_dict())

    assert list(brain.state_dict()) == ["ip.weight", "ip.bias"]
    assert torch.equal(brain(X, Y), other(X, Y))


def test_a_state_can_be_loaded_before_set_up():
    brain, fresh = _nested(), _nested()
    images = torch.randn(6, 1, 5, 5)
    brain(images, Y)

    fresh.load_state_dict(brain.state_dict())

    assert torch.equal(brain.eval()(images, Y), fresh.eval()(images, Y))


def test_a_state_that_lacks_a_layer_is_refused_before_set_up_too():
    fresh = _nested()
    state = {k: v for k, v in _nested().setup(torch.randn(6, 1, 5, 5)).state_dict().items() if "ip" not in k}

    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "ip.weight", "ip.bias"'):
        fresh.load_state_dict(state)


def test_a_state_of_another_shape_is_refused_before_set_up_too():
    fresh = Brain()
    fresh.attach(InnerProductLayer(out_channel_num=7, name="ip"))

    with pytest.raises(RuntimeError, match=r"`ip` has a weight of 7×any, while the state dict has 3×4"):
        fresh.load_state_dict(_brain().state_dict())


def test_a_brain_defined_in_a_notebook_travels_by_value():
    namespace: dict = {"__name__": "__main__"}
    exec(
        "from akidlab import GraphBrain, InnerProductLayer\n"
        "class Mine(GraphBrain):\n"
        "    def __init__(self, **kwargs):\n"
        "        super(Mine, self).__init__(**kwargs)\n"
        "        self.attach(InnerProductLayer(in_channel_num=4, out_channel_num=3, name='ip1'))\n",
        namespace,
    )
    brain = namespace["Mine"](name="mine").setup(X, seed=0)

    again = cloudpickle.loads(cloudpickle.dumps(brain))

    assert torch.equal(again(X), brain(X))


def test_modes_and_types_reach_every_block():
    brain = _nested().setup(torch.randn(6, 1, 5, 5))

    brain.double().eval()

    assert not any(module.training for module in brain.modules())
    assert brain.infer(torch.randn(2, 1, 5, 5, dtype=torch.float64)).dtype == torch.float64


def test_an_empty_brain_is_still_something():
    assert Brain()
    assert Brain().is_empty
