"""What comes back from a rank is what was there, and nothing in it is code."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

from akidlab.errors import KindError, WireError
from akidlab.worker import values
from akidlab.worker.values import pack, unpack


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2**80,
        0.5,
        "text",
        b"bytes",
        (1, 2),
        [1, [2, (3,)]],
        {"a": {1: (None,)}},
        {1, 2},
        [],
        {},
    ],
)
def test_plain_values_come_back_as_they_are(value: Any) -> None:
    found = unpack(pack(value))

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.float16])
def test_tensors_come_back_with_their_kind_and_shape(kind: torch.dtype) -> None:
    tensor = torch.arange(6).reshape(2, 3).to(kind)
    found = unpack(pack({"weights": [tensor, tensor[:, 1], tensor.sum()]}))["weights"]

    for one, expected in zip(found, [tensor, tensor[:, 1], tensor.sum()], strict=True):
        assert one.dtype is expected.dtype
        assert torch.equal(one, expected)


def test_a_parameter_comes_back_without_its_graph_and_a_state_as_a_dictionary() -> None:
    layer = torch.nn.Linear(2, 3)
    found = unpack(pack(OrderedDict(layer.state_dict()) | {"parameter": layer.weight}))

    assert list(found) == ["weight", "bias", "parameter"]
    assert not found["parameter"].requires_grad
    assert torch.equal(found["weight"], layer.weight.detach())


def test_arrays_and_their_numbers_come_back() -> None:
    array = np.arange(6, dtype=">i2").reshape(2, 3)
    found = unpack(pack([array, array[:, ::2], np.float32(0.5), np.array(3), np.array(["a", "bc"])]))

    assert found[0].dtype == array.dtype
    assert found[1].tolist() == [[0, 2], [3, 5]]
    assert (found[2], type(found[2])) == (0.5, np.float32)
    assert (found[3].shape, int(found[3]), found[4].tolist()) == ((), 3, ["a", "bc"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (threading.Lock(), r"A `_thread\.lock` cannot be gathered; expected a number"),
        ({"a": [1, torch.nn.ReLU()]}, r"activation\.ReLU` at `\['a'\]\[1\]` cannot be gathered.*state_dict"),
        (np.array([object()]), r"an array of numbers; this one is of `object`"),
        (torch.eye(2).to_sparse(), r"expected a dense tensor, such as `x\.to_dense\(\)`"),
        (math, r"A `module` cannot be gathered"),
    ],
)
def test_what_is_neither_is_refused_by_its_name_and_place(value: Any, text: str) -> None:
    with pytest.raises(KindError, match=text):
        pack(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(KindError, match="A value that holds itself"):
        pack(value)


def test_too_much_is_refused_before_it_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MOST", 2**20)

    with pytest.raises(KindError, match=r"larger than 1 MB \(at `\[1\]`\).*Gather a part of it"):
        pack([torch.zeros(2**17), torch.zeros(2**18)])


def test_torn_bytes_are_said_to_be_torn() -> None:
    whole = pack({"a": torch.ones(3)})

    for data in (b"", whole[:-1], whole[:20], b"\xff" * 40, b"\0" * 30):
        with pytest.raises(WireError, match=r"could not be (read|decoded)"):
            unpack(data)
