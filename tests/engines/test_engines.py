"""Engines by name, and what each has to offer to a kid."""

from __future__ import annotations

import sys

import pytest
import torch

from akidlab import engines
from akidlab.engines import SingleEngine
from akidlab.errors import DispatchError
from akidlab.messages import Command


@pytest.mark.parametrize("engine", ["single", {"name": "single"}, SingleEngine(device="cpu")])
def test_an_engine_is_had_by_name_by_dict_and_by_itself(engine):
    assert isinstance(engines.get(engine), SingleEngine)


def test_a_misspelt_engine_says_the_nearest_name():
    with pytest.raises(KeyError, match=r"There is no engine `singel`. Did you mean `single`"):
        engines.get("singel")


def test_an_engine_works_on_the_device_that_it_is_given():
    assert engines.get("single", device="cpu").device == torch.device("cpu")


def test_one_process_agrees_with_itself():
    engine = SingleEngine(device="cpu")
    command = Command("pause")

    assert engine.agree([command]) == [command]
    assert engine.any(True, False) == (True, False)
    assert engine.sum({"count": 2}) == {"count": 2.0}
    assert engine.broadcast("here") == "here"
    assert engine.gather("here") == ["here"]


def test_a_missing_horovod_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "horovod.torch", None)

    with pytest.raises(DispatchError, match=r"Horovod cannot be imported: .*Run `akidlab install-horovod`"):
        engines.get("horovod")
