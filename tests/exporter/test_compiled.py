"""A compiled model tells of its parameters; that it does not tell more is said once."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from akidlab.exporter import Exporter
from akidlab.messages import CallbackSubscriber
from tests.exporter.conftest import learn, net


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("akidlab")]


def graphs() -> int:
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


def compiled(model: nn.Module, way: str) -> nn.Module:
    if way == "method":
        model.compile(backend="eager")
        return model
    return torch.compile(model, backend="eager")


@pytest.mark.parametrize("way", ["method", "function"])
def test_a_compiled_model_tells_of_its_parameters(watched, heard, caplog, way):
    model, counted = net(), []
    called = compiled(model, way)
    with caplog.at_level(logging.WARNING):
        watched(called, every=2)
        for _ in range(5):
            learn(called, torch.optim.SGD(model.parameters(), 0.1))
            counted.append(graphs())

    assert len(set(counted)) == 1
    assert heard.keys("weight_gradients") == heard.keys("weight_updates") == ["linear0", "linear1"] * 3
    assert heard.keys("activations") == []
    (line,) = said(caplog)
    assert line.startswith("What passes through a compiled model is not seen: its parameters,")


def test_who_says_that_a_model_is_compiled_is_not_told_so(bus, heard, caplog):
    model = net()
    with Exporter(message_bus=bus) as exporter:
        exporter.compiled = True
        exporter.add_modules(model)
        learn(torch.compile(model, backend="eager"), torch.optim.SGD(model.parameters(), 0.1), steps=2)

    assert heard.keys("weights") == ["linear0", "linear1"] * 2
    assert said(caplog) == []


def test_nobody_who_wants_parameters_alone_is_told(bus, caplog):
    model = net()
    bus.subscribe(CallbackSubscriber(lambda message: None, topics=["weights"]))
    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(called := compiled(model, "function"))
        learn(called, torch.optim.SGD(model.parameters(), 0.1), steps=2)

    assert said(caplog) == []


def test_what_is_compiled_within_a_function_is_not_disturbed(watched, heard, caplog):
    model = net()
    watched(model, every=2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    function = torch.compile(lambda x: model(x).square().mean(), backend="eager", fullgraph=True)

    for _ in range(5):
        optimizer.zero_grad()
        function(torch.ones(5, 4)).backward()
        optimizer.step()

    assert heard.keys("weights") == ["linear0", "linear1"] * 3
    assert "No call of a module was seen" in caplog.text
    assert graphs() <= 2


def test_wrappers_of_torch_do_not_show(watched, heard):
    model = net()
    parallel = nn.DataParallel(model)
    watched(parallel)

    learn(parallel, torch.optim.SGD(model.parameters(), 0.1))

    assert heard.keys("activations") == ["linear0", "relu0", "linear1"]
