"""Hooks are lists of functions of the kid."""

from __future__ import annotations

import pytest

from akidlab.kids import Hooks


def test_both_spellings_of_the_training_hook_are_one_list():
    hooks = Hooks()

    hooks.on_train_log_step.append(print)

    assert hooks.on_training_log_step == [print]


def test_setting_a_list_keeps_the_one_that_the_loop_holds():
    hooks = Hooks()
    held = hooks.on_batch_end

    hooks.on_batch_end = [print]

    assert held == [print]


def test_a_function_alone_is_a_list_of_one():
    hooks = Hooks()

    hooks.on_val_log_step = print

    assert hooks.on_val_log_step == [print]


@pytest.mark.parametrize("hook", [3, [print, "stop"]])
def test_what_is_no_function_is_no_hook(hook):
    hooks = Hooks()

    with pytest.raises(
        TypeError, match=r"a list of functions of the kid, found .*`kid.hooks.on_epoch_end.append"
    ):
        hooks.on_epoch_end = hook
    assert hooks.on_epoch_end == []


def test_a_misspelt_hook_says_the_nearest_name():
    with pytest.raises(AttributeError, match=r"`on_epochend`. Did you mean `on_epoch_end`"):
        _ = Hooks().on_epochend


def test_a_misspelt_hook_cannot_be_set():
    with pytest.raises(AttributeError, match="There is no hook `on_batch`"):
        Hooks().on_batch = [print]


def test_hooks_are_called_in_order_with_the_kid():
    hooks, called = Hooks(), []
    hooks.on_epoch_end = [
        lambda kid: called.append(("first", kid)),
        lambda kid: called.append(("second", kid)),
    ]

    hooks.call("on_epoch_end", "kid")

    assert called == [("first", "kid"), ("second", "kid")]


def test_a_hook_may_remove_itself_while_it_is_called():
    hooks, called = Hooks(), []

    def once(kid: object) -> None:
        called.append("once")
        hooks.on_batch_begin.remove(once)

    hooks.on_batch_begin = [once, lambda kid: called.append("always")]

    hooks.call("on_batch_begin", None)

    assert called == ["once", "always"]
