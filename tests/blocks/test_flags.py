"""akid's switches, taken over where they were not set."""

from __future__ import annotations

import pytest

from akidlab import Brain, GraphSystem, ReLULayer


def _nested(**flags) -> Brain:
    inner = GraphSystem(name="inner").attach(ReLULayer(name="own", do_summary=False), ReLULayer(name="open"))
    return Brain(name="outer", **flags).attach(inner, ReLULayer(name="last"))


def test_a_block_takes_over_what_it_was_not_given():
    brain = _nested(do_summary=True, summarize_output=True)

    assert [brain[name].do_summary for name in ("inner", "inner.own", "inner.open", "last")] == [
        True, False, True, True,
    ]  # fmt: skip
    assert brain["inner.own"].summarize_output is True
    assert brain["last"].is_mon is None


def test_a_flag_that_is_set_later_reaches_those_that_were_not_given_their_own():
    brain = _nested()

    brain.set_flag("do_summary", True)
    assert [b.do_summary for b in brain["inner"]] == [False, True]
    brain["inner"].do_summary = False
    brain.set_do_summary_flag(True)
    assert [b.do_summary for b in (*brain["inner"], brain["last"])] == [False, False, True]
    brain["inner"].do_summary = None

    assert [b.do_summary for b in brain["inner"]] == [False, True]


def test_batch_monitoring_is_switched_for_all():
    brain = _nested()

    brain.switch_batch_monitoring_mode()
    assert [brain.is_mon, brain["inner.open"].is_mon] == [True, True]
    brain.switch_batch_monitoring_mode()

    assert [brain.is_mon, brain["inner.open"].is_mon] == [False, False]


def test_a_block_that_is_put_elsewhere_takes_over_what_counts_there():
    brain, block = _nested(do_summary=True), ReLULayer(name="moved")
    brain.attach(block)
    brain.remove("moved")

    GraphSystem(do_summary=False).attach(block)

    assert block.do_summary is False


def test_copies_have_flags_of_their_own():
    brain = _nested(do_summary=True)
    clone = brain.get_clone()

    clone.set_do_summary_on_val_flag(True)

    assert (brain.do_summary_on_val, clone["last"].do_summary_on_val) == (None, True)


def test_an_unknown_flag_names_the_nearest():  # in akid this path raised another error
    with pytest.raises(KeyError, match=r"There is no flag `do_sumary`\. Did you mean `do_summary`\?"):
        ReLULayer().set_flag("do_sumary", True)
    with pytest.raises(ValueError, match="`is_mon` is True, False or None, found 'yes'"):
        ReLULayer(is_mon="yes")
