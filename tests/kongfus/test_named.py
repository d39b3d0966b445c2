"""Any optimiser of torch, and kongfus by name."""

from __future__ import annotations

import pickle

import pytest
import torch
from torch import nn

from akidlab import AdamKongFu, Kid, KongFu, MomentumKongFu, TorchKongFu
from akidlab.errors import BlockError, DataError, UnknownNameError
from akidlab.kongfus.torch_kongfu import found
from tests.kids.conftest import small_kid, weights
from tests.kongfus.test_kongfu import trained

KINDS = ["ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Muon", "NAdam", "RAdam",
         "RMSprop", "Rprop", "SGD"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_any_optimiser_of_torch_learns_as_torch_has_it(kind: str):
    torch.testing.assert_close(trained(TorchKongFu(kind).setup), trained(getattr(torch.optim, kind)))


def test_options_reach_the_optimiser_and_the_repr():
    kongfu = TorchKongFu("RMSprop", lr=0.1, alpha=0.5, weight_decay=0.01)

    expected = trained(lambda p: torch.optim.RMSprop(p, 0.1, alpha=0.5, weight_decay=0.01))

    torch.testing.assert_close(trained(kongfu.setup), expected)
    assert repr(kongfu) == "TorchKongFu('RMSprop', lr=0.1, weight_decay=0.01, alpha=0.5)"


def test_the_class_of_an_optimiser_will_do_and_a_scheme_moves_its_rate():
    kongfu = TorchKongFu(torch.optim.NAdam, lr=1.0, lr_scheme={"name": "step", "steps": [3]})

    assert (kongfu.lr_at(2), kongfu.lr_at(3)) == (1.0, pytest.approx(0.1))


@pytest.mark.parametrize(
    ("what", "options", "expected"),
    [
        ("momentum", {"lr": 0.1, "use_nesterov": True}, MomentumKongFu(0.1, use_nesterov=True)),
        ("MomentumKongFu", {}, MomentumKongFu()),
        ("adam", {}, AdamKongFu()),
        ("Adam", {"amsgrad": True}, TorchKongFu("Adam", amsgrad=True)),
        ("rmsprop", {"lr": 0.01}, TorchKongFu("RMSprop", lr=0.01)),
        (torch.optim.Adagrad, {}, TorchKongFu("Adagrad")),
        ({"name": "sgd", "lr": 0.1}, {}, TorchKongFu("SGD", lr=0.1)),
        (MomentumKongFu(lr=0.3), {}, MomentumKongFu(lr=0.3)),
    ],
)
def test_a_kongfu_is_had_by_name_by_dict_by_class_and_by_itself(what, options, expected):
    assert repr(KongFu.of(what, **options)) == repr(expected)


def test_misspelt_names_and_options_say_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no kongfu `rmsprob`. Did you mean `rmsprop`"):
        KongFu.of("rmsprob")
    with pytest.raises(UnknownNameError, match=r"no optimiser `RMSprob`. Did you mean `RMSprop`"):
        TorchKongFu("RMSprob")
    with pytest.raises(UnknownNameError, match=r"no option of `RMSprop` `alfa`. Did you mean `alpha`"):
        TorchKongFu("RMSprop", alfa=0.9)
    with pytest.raises(
        UnknownNameError, match=r"option of MomentumKongFu `momentun`. Did you mean `momentum`"
    ):
        KongFu.of("momentum", momentun=0.9)


def test_what_torch_refuses_is_told_when_it_is_written():
    with pytest.raises(DataError, match=r"torch's `RMSprop` refuses that: Invalid alpha"):
        TorchKongFu("RMSprop", alpha=-1)
    with pytest.raises(DataError, match="`LBFGS` computes losses on its own"):
        TorchKongFu("LBFGS")
    with pytest.raises(DataError, match="is made already; options cannot be given"):
        KongFu.of(MomentumKongFu(), lr=0.1)
    with pytest.raises(DataError, match=r'A kongfu is written as \{"name": "momentum"'):
        KongFu.of({"lr": 0.1})


def test_parameters_that_an_optimiser_cannot_update_are_told():
    with pytest.raises(BlockError, match=r"`Muon` cannot update these parameters: .*2D"):
        TorchKongFu("Muon").setup([nn.Parameter(torch.ones(3))])


def test_a_torch_kongfu_travels():
    kongfu = pickle.loads(pickle.dumps(TorchKongFu("rmsprop", lr=0.2, alpha=0.5)))

    assert repr(kongfu) == "TorchKongFu('RMSprop', lr=0.2, alpha=0.5)"
    assert found("rmsprop") is kongfu.kind


@pytest.mark.parametrize("kind", ["RMSprop", "NAdam", "Adafactor", "Rprop"])
def test_a_kid_resumes_bit_for_bit_with_any_of_them(kind: str, tmp_path):
    def kid(steps: int) -> Kid:
        return small_kid(
            kongfu=TorchKongFu(kind, lr=0.001), max_steps=steps, log_dir=tmp_path, val_log_step=5
        )

    kid(5).practice()
    resumed, straight = kid(8), kid(8)
    resumed.restore(tmp_path)
    resumed.practice()
    straight.save_chk_point = False
    straight.practice()

    assert weights(resumed).equal(weights(straight))


def test_a_loop_by_hand_may_say_what_to_update_and_change_its_mind():
    some, other = (nn.Parameter(torch.tensor([2.0])) for _ in range(2))
    kongfu = MomentumKongFu(lr=0.25, momentum=0.5, var_list=[some])

    kongfu.update(kongfu.forward(some.square().sum()))
    kongfu.append_var_list([other])
    kongfu.update(kongfu.forward((some + other).sum()))

    assert (some.item(), other.item()) == (1.0 - 0.25 * (1 + 0.5 * 4), 1.75)
    kongfu.set_var_list([other])
    with pytest.raises(BlockError, match="There is nothing to train"):
        kongfu.set_var_list([])
    assert kongfu.var_list == [other]
