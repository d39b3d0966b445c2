"""One batch on several devices; the CPU stands in for them."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch

from akidlab.errors import DataError
from akidlab.parallel import broadcast, device, gather, scatter, thread_run


class Pair(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor


@pytest.mark.parametrize(("samples", "sizes"), [(7, [3, 2, 2]), (3, [1, 1, 1]), (2, [1, 1]), (0, [0])])
def test_a_batch_is_cut_as_evenly_as_can_be_and_never_into_nothing(samples: int, sizes: list[int]):
    parts = scatter(torch.arange(samples), ["cpu"] * 3)

    assert [len(part) for part in parts] == sizes
    assert gather(parts).tolist() == list(range(samples))


def test_what_is_gathered_is_what_was_scattered_at_any_depth():
    data = [torch.arange(5), (torch.ones(5, 2), {"deep": Pair(torch.zeros(5), torch.arange(5.0))})]

    again = gather(scatter(data, ["cpu", "cpu"]))

    assert str(again) == str(data)


def test_what_is_no_batch_is_handed_to_all():
    parts = scatter({"x": torch.arange(4), "scale": torch.tensor(2.0), "name": "a"}, ["cpu", "cpu"])

    assert [(part["scale"].item(), part["name"]) for part in parts] == [(2.0, "a"), (2.0, "a")]
    assert gather(parts)["scale"].tolist() == [2.0, 2.0]


def test_gradients_flow_through_scattering_and_gathering():
    x = torch.ones(5, requires_grad=True)

    parts = scatter(x, ["cpu", "cpu"])
    gather([2 * parts[0], 3 * parts[1]]).sum().backward()

    assert x.grad is not None
    assert x.grad.tolist() == [2, 2, 2, 3, 3]


def test_the_gradient_of_what_was_broadcast_is_the_sum_over_the_devices():
    w, b = torch.ones(2, requires_grad=True), torch.ones(1, requires_grad=True)

    first, second, third = broadcast({"w": w, "b": [b]}, ["cpu"] * 3)
    (first["w"].sum() + 2 * second["w"].sum() + third["b"][0]).sum().backward()

    assert (w.grad.tolist(), b.grad.tolist()) == ([3, 3], [1])  # type: ignore[union-attr]


def test_counters_are_broadcast_too():
    (first, second) = broadcast([torch.ones(2, requires_grad=True), torch.tensor(7)], ["cpu", "cpu"])

    assert (first[1].item(), second[1].item(), second[0].requires_grad) == (7, 7, True)
    assert broadcast([], ["cpu", "cpu"]) == [[], []]


def test_a_thread_gives_its_result_and_raises_its_error_where_it_is_joined():
    results, thread = thread_run(lambda a, b: a + b, 1, 2)
    thread.join()
    _, failing = thread_run(int, "no number")

    assert results == [3]
    with pytest.raises(ValueError, match="invalid literal"):
        failing.join()


@pytest.mark.parametrize("name", ["cpu", "/cpu:0", "CPU", torch.device("cpu"), "/device:CPU:0"])
def test_a_device_has_many_spellings(name):
    assert device(name) == torch.device("cpu")


@pytest.mark.parametrize("name", [7, "/gpu:7", "cuda:7"])
def test_a_gpu_that_is_not_there_is_told(name, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    with pytest.raises(DataError, match="There is no GPU 7 here: torch sees 2 GPUs"):
        device(name)


@pytest.mark.parametrize("name", ["graphics card", "/tpux:1", None, True])
def test_what_is_no_device_is_told(name):
    with pytest.raises(DataError, match="A device is a name such as"):
        device(name)


def test_parts_that_do_not_fit_each_other_are_told():
    with pytest.raises(DataError, match=r"hold as many samples each, found \[2, 3\]"):
        scatter([torch.ones(2), torch.ones(3)], ["cpu"])
    with pytest.raises(DataError, match="The parts differ in form: list, Tensor"):
        gather([[torch.ones(2)], torch.ones(2)])
    with pytest.raises(DataError, match=r"The parts differ in length: \[1, 0\]"):
        gather([[torch.ones(2)], []])
    with pytest.raises(DataError, match="There is nothing to gather"):
        gather([])
    with pytest.raises(DataError, match="`devices` is a list such as"):
        scatter(torch.ones(2), "cpu")
