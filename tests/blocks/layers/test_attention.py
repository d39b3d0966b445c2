"""Attention: the numbers of torch's, for one input, two and three."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from akidlab import Brain, MultiHeadAttention, MultiHeadAttentionLayer
from akidlab.errors import BlockError

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(3, 5, 8, generator=DRAW)
Y, Z = torch.randn(3, 7, 6, generator=DRAW), torch.randn(3, 7, 4, generator=DRAW)


def _torchs(layer: MultiHeadAttentionLayer) -> nn.MultiheadAttention:
    widths = layer.key_channel_num, layer.value_channel_num
    theirs = nn.MultiheadAttention(8, 2, kdim=widths[0], vdim=widths[1], batch_first=True)
    weights = [getattr(layer, f"{part}_weight").detach() for part in ("query", "key", "value")]
    with torch.no_grad():
        if widths == (8, 8):
            theirs.in_proj_weight.copy_(torch.cat(weights))
        else:
            for part, weight in zip("qkv", weights, strict=True):
                getattr(theirs, f"{part}_proj_weight").copy_(weight)
        biases = [getattr(layer, f"{part}_bias") for part in ("query", "key", "value")]
        theirs.in_proj_bias.copy_(torch.cat(biases))
        theirs.out_proj.weight.copy_(layer.out_weight)
        theirs.out_proj.bias.copy_(layer.out_bias)
    return theirs


@pytest.mark.parametrize("causal", [False, True])
def test_a_sequence_attends_to_itself_as_in_torch(causal):
    layer = MultiHeadAttention(heads=2, causal=causal, initial_bias_value=0.1).setup(X, seed=0)
    later = torch.ones(5, 5).triu(1).bool() if causal else None

    torch.testing.assert_close(layer(X), _torchs(layer)(X, X, X, attn_mask=later)[0])


def test_a_query_is_answered_by_other_sequences():
    three = MultiHeadAttention(heads=2).setup(X, Y, Z, seed=0)
    two = MultiHeadAttention(heads=2).setup(X, Y, seed=0)

    torch.testing.assert_close(three(X, Y, Z), _torchs(three)(X, Y, Z)[0])
    torch.testing.assert_close(two(X, Y), _torchs(two)(X, Y, Y)[0])
    assert three.value_weight.shape == (8, 4)


def test_a_causal_layer_does_not_look_ahead():
    layer = MultiHeadAttention(heads=2, causal=True).setup(X, seed=0)
    changed = X.clone()
    changed[:, 3:] = 9

    torch.testing.assert_close(layer(X)[:, :3], layer(changed)[:, :3])


def test_dropout_is_for_training_alone():
    layer = MultiHeadAttention(heads=2, dropout=0.5).setup(X, seed=0)

    assert not torch.equal(layer(X), layer(X))
    layer.eval()
    assert torch.equal(layer(X), layer(X))


def test_it_emits_as_many_numbers_as_asked():
    assert MultiHeadAttention(heads=3, out_channel_num=12)(X).shape == (3, 5, 12)
    layer = MultiHeadAttention(heads=2, in_channel_num=8, key_channel_num=6).setup(seed=0)
    assert layer.value_weight.shape == (8, 6)
    assert repr(layer) == "attention: MultiHeadAttentionLayer(8 → 8, 2 heads), 256 parameters"


def test_it_is_saved_loaded_cloned_and_exported():
    saved = MultiHeadAttention(heads=2).setup(X, Y, seed=0)
    loaded = MultiHeadAttention(heads=2)
    loaded.load_state_dict(saved.state_dict())
    exported = torch.export.export(saved, ([X, Y],)).module()

    assert torch.equal(loaded(X, Y), saved(X, Y))
    assert torch.equal(saved.get_clone()(X, Y), saved(X, Y))
    torch.testing.assert_close(exported([X, Y]), saved(X, Y))


def test_a_brain_with_attention_is_compiled_in_one_piece():
    brain = Brain(name="looks").attach(MultiHeadAttention(heads=2, causal=True)).setup(X, seed=0)

    torch.testing.assert_close(torch.compile(brain, fullgraph=True, backend="eager")(X), brain(X))


def test_wires_bring_queries_and_keys():
    brain = Brain(name="reader")
    brain.attach(
        MultiHeadAttention(heads=2, name="self", inputs=[{"name": "system_in", "idxs": [0]}]),
        MultiHeadAttention(heads=2, inputs=[{"name": "self"}, {"name": "system_in", "idxs": [1]}]),
    )

    assert isinstance(brain([X, Y]), Tensor)
    assert brain.out_shape == (3, 5, 8)


@pytest.mark.parametrize(
    ("options", "signal", "told"),
    [
        ({"heads": 3}, X, "shares what it emits among 3 heads, found 8 numbers a step"),
        ({"heads": 3, "out_channel_num": 4}, X, "shares what it emits among 3 heads, found 4"),
        ({"heads": 0}, X, "`heads` of `attention` is a number of 1 or more"),
        ({"heads": 2}, X[0], "wants a query of N×steps×features, found 5×8"),
        ({"heads": 2}, [X], "wants one input, or a query, a key and perhaps a value"),
        ({"heads": 2}, [X, Y[0]], "wants a key of N×steps×features, found 7×6"),
        ({"heads": 2, "key_channel_num": 5}, [X, Y], "wants a key of 5 features, found 3×7×6"),
        ({"heads": 2}, [X, Y, Z[:, :3]], "a value for each step of the key"),
        ({"heads": 2}, [X, Y[:1]], "as many samples everywhere"),
        ({"heads": 2, "causal": True}, [X, Y], "queries and keys are the same steps, found 5 and 7"),
        ({"heads": 2, "dropout": -1}, X, "`dropout` of `attention` is a number of 0 or more"),
    ],
)
def test_what_does_not_fit_is_told(options, signal, told):
    with pytest.raises(BlockError, match=told):
        MultiHeadAttention(**options)(signal)
