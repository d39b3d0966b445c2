"""Recurrent layers: the numbers of torch's, set up, copied, saved and edited as all layers are."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from akidlab import GRU, LSTM, Brain, GRULayer, InnerProductLayer, LSTMLayer, MSELossLayer, RecurrentLayer
from akidlab.errors import BlockError

X = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(0))
KINDS = [(LSTMLayer, nn.LSTM), (GRULayer, nn.GRU)]


@pytest.mark.parametrize(("kind", "twin"), KINDS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bias", [0.5, None])
def test_every_number_and_gradient_is_that_of_torch(kind, twin, both, layers, bias):
    layer = kind(4, layers=layers, bidirectional=both, initial_bias_value=bias).setup(X, seed=0)
    theirs = twin(2, 4, layers, bias=bias is not None, batch_first=True, bidirectional=both)
    theirs.load_state_dict(layer.state_dict())
    layer(X).square().sum().backward()
    theirs(X)[0].square().sum().backward()

    assert [name for name, _ in layer.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert torch.equal(layer.data, theirs(X)[0])
    for mine, its in zip(layer.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, its.grad)


@pytest.mark.parametrize(("kind", "twin"), KINDS)
def test_the_last_step_is_what_each_direction_ends_with(kind, twin):
    layer = kind(4, bidirectional=True, last_only=True).setup(X, seed=0)
    theirs = twin(2, 4, batch_first=True, bidirectional=True)
    theirs.load_state_dict(layer.state_dict())
    steps = theirs(X)[0]

    assert torch.equal(layer(X), torch.cat([steps[:, -1, :4], steps[:, 0, 4:]], 1))
    one = kind(4, last_only=True).setup(X, seed=0)
    assert one.out_shape == (3, 4)


def test_a_seed_gives_the_same_weights_and_layers_that_differ():
    first, second = (LSTMLayer(2, in_channel_num=2, layers=2).setup(seed=1) for _ in range(2))

    for mine, its in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(mine, its)
    assert not torch.equal(first.weight_hh_l0, first.weight_hh_l1)
    assert first.weight_ih_l0.abs().max() <= 2**-0.5
    assert not first.bias_hh_l0.any()


def test_dropout_lies_between_layers_and_only_in_training():
    layer = GRULayer(32, layers=2, dropout=0.5).setup(X, seed=0)

    assert not torch.equal(layer(X), layer(X))
    layer.eval()
    assert torch.equal(layer(X), layer(X))


def test_what_was_saved_is_loaded_before_set_up():
    saved = LSTM(4, layers=2, bidirectional=True).setup(X, seed=0)
    loaded = LSTM(4, layers=2, bidirectional=True)
    loaded.load_state_dict(saved.state_dict())

    assert loaded.in_channel_num == 2
    assert torch.equal(loaded(X), saved(X))
    with pytest.raises(
        RuntimeError, match=r"`lstm` has a weight_ih_l0 of 12×any, while the state dict has 16×2"
    ):
        LSTM(3, layers=2, bidirectional=True).load_state_dict(saved.state_dict())


def test_copies_share_and_clones_do_not():
    layer = GRU(4).setup(X, seed=0)
    copy, clone = layer.get_copy(), layer.get_clone()
    expected = layer(X)
    with torch.no_grad():
        layer.weight_hh_l0.zero_()

    assert copy.weight_hh_l0 is layer.weight_hh_l0
    assert torch.equal(copy(X), layer(X))
    assert torch.equal(clone(X), expected)


def test_weights_cost_and_are_held_to_a_norm_and_averaged():
    layer = GRU(4, wd={"type": "l2", "scale": 1.0}, max_norm=0.1, moving_average_decay=0.5).setup(X, seed=0)
    cost = sum(p.square().sum() / 2 for name, p in layer.named_parameters() if "weight" in name)

    torch.testing.assert_close(layer.loss, cost)
    layer.on_para_update()
    assert layer.weight_hh_l0.norm(dim=1).max() <= 0.1001
    assert layer.weight_hh_l0_average.shape == (12, 4)


def test_an_edit_below_makes_weights_anew_that_read_it():
    brain = Brain(name="reader")
    brain.attach(LSTM(4, name="lstm"), InnerProductLayer(out_channel_num=1, name="ip"))
    brain.setup(X, seed=0)
    kept = brain["lstm"].weight_hh_l0
    brain.insert_after("system_in", LSTM(7, name="below"))

    assert brain["lstm"].weight_ih_l0.shape == (16, 7)
    assert brain["lstm"].weight_hh_l0 is kept
    assert brain(X).shape == (3, 1)


def test_a_brain_learns_to_add_marked_numbers():  # the adding problem of Hochreiter & Schmidhuber 1997
    generator = torch.Generator().manual_seed(0)
    brain = Brain(name="adding")
    brain.attach(
        LSTM(16, last_only=True),
        InnerProductLayer(out_channel_num=1, name="ip"),
        MSELossLayer(inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}]),
    )
    optimizer, losses = None, []
    for _ in range(60):
        numbers = torch.rand(32, 4, generator=generator)
        marks = torch.zeros(32, 4).scatter(1, torch.rand(32, 4, generator=generator).topk(2).indices, 1.0)
        total = (numbers * marks).sum(1, keepdim=True)
        batch = [torch.stack([numbers, marks], 2), total]
        if optimizer is None:
            optimizer = torch.optim.Adam(brain.setup(batch, seed=0).parameters(), lr=0.05)
        loss = brain.objective(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[0] > 0.3
    assert sum(losses[-10:]) / 10 < 0.05


def test_it_says_what_it_is():
    layer = LSTM(4, layers=2, bidirectional=True, last_only=True, name="reader")

    assert repr(layer) == ("reader: LSTMLayer(? → 8, 2 layers, both directions, last step), not set up")


def test_it_is_exported():
    layer = LSTM(4, last_only=True).setup(X, seed=0).eval()
    batch = torch.export.Dim("batch")
    exported = torch.export.export(layer, (X,), dynamic_shapes=[{0: batch}])

    torch.testing.assert_close(exported.module()(X[:2]), layer(X[:2]))


def test_a_compiled_brain_reads_sequences_too():
    brain = Brain(name="reader").attach(LSTM(4, last_only=True), InnerProductLayer(out_channel_num=2))
    expected = brain.setup(X, seed=0)(X)
    compiled = torch.compile(brain, backend="eager")

    torch.testing.assert_close(compiled(X), expected)


@pytest.mark.parametrize(
    ("make", "signal", "told"),
    [
        (lambda: LSTM(4), X[0], r"wants a sequence of N×steps×features, found 5×2.*unsqueeze"),
        (lambda: LSTM(4), X[:, :0], "found 3×0×2"),
        (lambda: LSTM(4), X.long(), "wants numbers with fractions, found int64"),
        (lambda: GRU(4, in_channel_num=3), X, "wants 3 features, found 2 in an input of 3×5×2"),
        (lambda: GRU(4, dropout=0.5), X, "lies between layers: it wants layers=2"),
        (lambda: GRU(4, layers=2, dropout=1.0), X, "`dropout` of `gru` is a number of 0 or more and below 1"),
        (lambda: GRU(4, layers=0), X, "`layers` of `gru` is a number of 1 or more, found 0"),
        (lambda: GRU(0), X, "`out_channel_num` of `gru` is a number of 1 or more"),
    ],
)
def test_what_does_not_fit_is_told(make, signal, told):
    with pytest.raises(BlockError, match=told):
        make()(signal)


def test_both_are_recurrent():
    assert issubclass(LSTMLayer, RecurrentLayer)
    assert LSTM is LSTMLayer
    assert GRU is GRULayer
