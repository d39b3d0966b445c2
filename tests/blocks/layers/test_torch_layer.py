"""Torch modules as blocks: trained, saved, moved, copied and edited with the rest of a brain."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from akidlab import Block, Brain, InnerProductLayer, ReLULayer, SoftmaxWithLossLayer, TorchLayer
from akidlab.errors import BlockError

X = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


def _lazy() -> nn.Sequential:
    return nn.Sequential(nn.LazyLinear(5), nn.LazyBatchNorm1d(), nn.ReLU())


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.passes: Tensor
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return x


class Several(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        return x + y, (x, y)


def test_a_module_is_the_very_one_and_its_weights_are_kept():
    module = nn.Linear(3, 2)
    layer = TorchLayer(module).setup(X, seed=0)

    assert layer.module is module
    assert torch.equal(layer(X), module(X))


def test_parameters_are_found_and_trained_with_the_brain():
    module = nn.Linear(3, 2)
    brain = Brain(name="mixed")
    brain.attach(
        TorchLayer(module, name="wrapped"),
        SoftmaxWithLossLayer(inputs=[{"name": "wrapped"}, {"name": "system_in", "idxs": [1]}]),
    )
    brain.objective([X, torch.tensor([0, 1, 0, 1])]).backward()

    assert brain.get_filters() == [module.weight, module.bias]
    assert module.weight.grad is not None
    assert list(brain.state_dict()) == ["wrapped.module.weight", "wrapped.module.bias"]


def test_several_inputs_are_several_arguments_and_a_tuple_is_a_list():
    value = TorchLayer(Several())(X, X)

    assert type(value) is type(value[1]) is list
    assert torch.equal(value[0], 2 * X)


def test_a_scalar_is_a_value_and_no_loss():
    class Mean(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean()

    brain = Brain(name="mean").attach(TorchLayer(Mean()))

    assert brain(X) == X.mean()
    assert brain.loss is None


# -- lazy modules


def test_a_lazy_module_is_made_from_the_seed_and_leaves_torchs_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = (TorchLayer(_lazy()).setup(X, seed=1) for _ in range(2))

    assert torch.rand(1) == expected
    assert torch.equal(first.module[0].weight, second.module[0].weight)
    twins = Brain(name="twins").attach(TorchLayer(nn.LazyLinear(3)), TorchLayer(nn.LazyLinear(3)))
    twins.setup(X, seed=1)
    assert not torch.equal(twins["torch1"].module.weight, twins["torch2"].module.weight)


def test_a_lazy_module_can_be_told_copied_and_cloned_before_it_is_made():
    brain = Brain(name="lazy").attach(
        TorchLayer(_lazy(), name="wrapped"), InnerProductLayer(out_channel_num=2)
    )

    assert "TorchLayer(Sequential)" in repr(brain)
    assert "wrapped" in brain._repr_html_()
    with pytest.raises(BlockError, match=r"`wrapped` cannot be set up without an input: its module is lazy"):
        brain.num_parameters()
    assert brain.get_clone()(X).shape == (4, 2)
    assert brain(X).shape == (4, 2)
    assert torch.equal(brain.get_clone()(X), brain(X))
    assert torch.equal(brain.get_copy()(X), brain(X))


def test_a_set_up_that_fails_leaves_a_lazy_module_lazy():
    brain = Brain(name="lazy").attach(
        TorchLayer(nn.LazyLinear(5), name="wrapped"), InnerProductLayer(out_channel_num=2, in_channel_num=7)
    )
    with pytest.raises(BlockError, match="wants 7 numbers per sample, found 5"):
        brain.setup(X)

    assert brain["wrapped"](torch.zeros(1, 9)).shape == (1, 5)


def test_what_was_saved_is_loaded_into_a_lazy_module():
    saved, loaded = (TorchLayer(nn.Sequential(nn.LazyLinear(5), nn.ReLU())) for _ in range(2))
    saved.setup(X, seed=0)
    loaded.load_state_dict(saved.state_dict())

    assert torch.equal(loaded(X), saved(X))


def test_an_edit_below_infers_a_lazy_module_anew_and_keeps_what_fits():
    brain = Brain(name="lazy")
    brain.attach(ReLULayer(name="relu"), TorchLayer(nn.LazyLinear(5), name="wrapped")).setup(X, seed=0)
    bias = brain["wrapped"].module.bias
    brain.insert_after("relu", InnerProductLayer(out_channel_num=8, name="ip"))

    assert brain["wrapped"].module.weight.shape == (5, 8)
    assert brain["wrapped"].module.bias is bias
    assert brain(X).shape == (4, 5)


# -- a set-up leaves no trace


def test_running_statistics_do_not_learn_in_the_trial_of_a_set_up():
    for module in (nn.BatchNorm1d(3), nn.LazyBatchNorm1d()):
        layer = TorchLayer(module).setup(100 + X, seed=0)

        assert layer.module.training
        assert layer.module.running_mean.abs().max() == 0
        assert layer.module.num_batches_tracked == 0
    counting = TorchLayer(Counting()).setup(X)
    assert counting.module.passes == 0
    counting(X)
    assert counting.module.passes == 1


class Makes(Block):
    def _setup(self, signal, seed):
        self.norm = nn.BatchNorm1d(signal.shape[1])

    def forward(self, signal):
        return self.norm(signal)


@pytest.mark.parametrize("training", [True, False])
def test_modules_that_a_set_up_makes_do_not_learn_in_it_and_take_over_the_mode(training):
    block = Makes()
    block.train(training)
    block.setup(100 + X)

    assert block.norm.num_batches_tracked == 0
    assert block.norm.training is training


def test_what_was_set_to_evaluate_stays_so():
    module = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout())
    module[0].eval()
    TorchLayer(module).setup(X)

    assert [part.training for part in module] == [False, True]


# -- the rest of a brain's life


def test_copies_share_and_clones_do_not():
    layer = TorchLayer(nn.LSTM(3, 2, batch_first=True)).setup(X[:, None], seed=0)
    copy, clone = layer.get_copy(), layer.get_clone()
    expected = layer(X[:, None])[0].detach()
    with torch.no_grad():
        layer.module.weight_hh_l0.zero_()
        layer.module.weight_ih_l0.zero_()

    assert torch.equal(copy(X[:, None])[0], layer(X[:, None])[0])
    assert torch.equal(clone(X[:, None])[0], expected)


def test_averages_of_its_parameters_are_kept():
    layer = TorchLayer(nn.LazyLinear(2), moving_average_decay=0.5).setup(X, seed=0)
    with torch.no_grad():
        layer.module.weight += 1
    layer.on_para_update()

    torch.testing.assert_close(layer.module_weight_average, layer.module.weight - 0.5)


def test_it_is_compiled_and_exported():
    brain = Brain(name="mixed").attach(TorchLayer(nn.Linear(3, 4)), ReLULayer()).setup(X, seed=0)

    torch.testing.assert_close(torch.compile(brain, fullgraph=True, backend="eager")(X), brain(X))
    torch.testing.assert_close(torch.export.export(brain, (X,)).module()(X), brain(X))


def test_it_says_what_it_wraps():
    layer = TorchLayer(nn.Linear(3, 4), name="wrapped").setup(X)

    assert repr(layer) == (
        "wrapped: TorchLayer(Linear(in_features=3, out_features=4, bias=True)), N×3 → N×4, 16 parameters"
    )


@pytest.mark.parametrize(
    ("wrapped", "told"),
    [
        (nn.Linear, r"wraps a torch module, found <class.*Make one of it first"),
        (torch.relu, r"wraps a torch module, found <built-in.*A function fits"),
        (ReLULayer(name="relu1"), "`relu1` is a block already: attach it as it is"),
    ],
)
def test_what_is_no_module_is_told(wrapped, told):
    with pytest.raises(BlockError, match=told):
        TorchLayer(wrapped)


def test_an_input_that_a_module_cannot_take_is_told():
    class Named(nn.Module):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"logits": x}

    with pytest.raises(BlockError, match=r"`torch` could not run Linear on an input of 4×3: mat1 and mat2"):
        TorchLayer(nn.Linear(7, 1))(X)
    with pytest.raises(BlockError, match=r"could not run Several on an input of 4×3.*missing 1 required"):
        TorchLayer(Several())(X)
    with pytest.raises(BlockError, match=r"wants a module that returns tensors, found dict\. Wrap Named"):
        TorchLayer(Named())(X)
