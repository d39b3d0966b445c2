"""Errors say what was found, what was expected and what to do."""

from __future__ import annotations

import pytest

from akidlab import errors


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.BlockError, ValueError),
        (errors.UnknownNameError, KeyError),
        (errors.NoSuchRunError, IndexError),
        (errors.DataError, ValueError),
        (errors.DataNotFoundError, FileNotFoundError),
        (errors.CheckpointError, ValueError),
        (errors.StoreError, OSError),
        (errors.MissingPackageError, ImportError),
        (errors.MagicError, ValueError),
        (errors.DispatchError, RuntimeError),
        (errors.RankError, errors.DispatchError),
        (errors.WireError, ConnectionError),
        (errors.WorkerError, RuntimeError),
    ],
)
def test_an_error_is_also_the_builtin_that_a_user_would_catch(error, builtin):
    with pytest.raises(builtin, match=r"^what happened$") as caught:
        raise error("what happened")

    assert isinstance(caught.value, errors.AkidlabError)


def test_the_nearest_name_is_offered():
    error = errors.unknown("block", "cnov1", ["conv1", "relu1"])

    assert str(error) == "There is no block `cnov1`. Did you mean `conv1`? Known: conv1, relu1."


def test_where_nothing_is_near_nothing_is_offered():
    assert str(errors.unknown("run", "x", [])) == "There is no run `x`. Known: none."


def test_a_long_list_is_cut():
    said = str(errors.unknown("run", "zzz", [f"run-{index}" for index in range(30)]))

    assert said.endswith("run-19, ....")
