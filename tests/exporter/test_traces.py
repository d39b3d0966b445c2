"""An exporter that was detached leaves no trace, and copies of a watched model are not watched."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as everywhere
from torch.optim import optimizer as optimizers

from akidlab.messages import META, TOPICS, Bus, CallbackSubscriber
from tests.exporter.conftest import learn, net
from tests.exporter.test_tree import brain


def traces(model: nn.Module, optimizer: torch.optim.Optimizer, bus: Bus) -> dict[str, Any]:
    """All that hooks or patches would change."""
    hooks = {
        f"{path}.{name}": dict(value)
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if "hook" in name and isinstance(value, dict)
    }
    return {
        **hooks,
        "attributes": {path: sorted(vars(module)) for path, module in model.named_modules()},
        "methods": [
            path for path, m in model.named_modules() for name in ("forward", "train") if name in vars(m)
        ],
        "parameters": [(p.requires_grad, bool(p._backward_hooks)) for p in model.parameters()],
        "everywhere": [
            dict(value) for name, value in vars(everywhere).items() if name.startswith("_global") and value
        ],
        "optimizers": [dict(value) for name, value in vars(optimizers).items() if name.endswith("_hooks")],
        "optimizer": [dict(value) for name, value in vars(optimizer).items() if name.endswith("_hooks")],
        "bus": (bus.topics, list(bus.on_change)),
    }


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("every", [1, 5])
def test_who_detaches_leaves_no_trace(bus, watched, heard, every, given):
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    before = traces(model, optimizer, bus)

    exporter = watched(model, every=every, optimizer=optimizer if given else None)
    learn(model, optimizer, steps=2)
    assert traces(model, optimizer, bus) != before
    model(torch.ones(2, 4))
    exporter.detach()
    exporter.detach()

    assert traces(model, optimizer, bus) == before
    told = len(heard.messages)
    learn(model, optimizer, steps=2)
    assert len(heard.messages) == told


def test_a_pass_under_way_is_told_no_more(bus, watched, heard):
    model = net()
    exporter = watched(model)
    loss = model(torch.ones(2, 4)).sum()

    exporter.detach()
    loss.backward()

    assert heard.keys("layer_gradients") == []


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("topic", ["activations", "layer_gradients", "weights", "batch_finished"])
def test_who_listens_may_detach_within_a_step(bus, watched, topic, given):
    model, other, heard = net(), [], []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    before = traces(model, optimizer, bus)
    exporter = watched(model, optimizer=optimizer if given else None)
    bus.subscribe(CallbackSubscriber(lambda message: exporter.detach(), topics=[topic]))
    handles = [
        optimizer.register_step_pre_hook(lambda *given: other.append(1)),
        optimizer.register_step_post_hook(lambda *given: other.append(1)),
    ]

    learn(model, optimizer, steps=2)
    bus.subscribe(CallbackSubscriber(heard.append, topics=[*META, *TOPICS]))
    learn(model, optimizer)

    assert heard == []
    assert len(other) == 6
    exporter.detach()  # where it could not be done at once
    for handle in handles:
        handle.remove()
    assert traces(model, optimizer, bus) == before


def test_an_exporter_may_begin_again(bus, watched, heard):
    model = net()
    exporter = watched(model)
    learn(model, torch.optim.SGD(model.parameters(), 0.1))
    exporter.detach()

    exporter.set_model(model)
    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    assert [m.step for m in heard.messages if m.topic == "step_finished"] == [1, 2]


@pytest.mark.parametrize("make", [net, brain])
@pytest.mark.parametrize("way", ["deepcopy", "pickle", "torch.save"])
def test_a_copy_of_a_watched_model_is_not_watched(bus, watched, heard, make, way):
    model = make()
    given = [torch.randn(4, 1, 6, 6), torch.tensor([0, 1, 1, 0])] if make is brain else torch.randn(5, 4)
    model(given)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    plain = traces(model, optimizer, bus)
    watched(model)
    model(given)

    twin = copied(model, way)
    heard.messages = []
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    told = twin(given)

    assert heard.messages == []
    assert traces(twin, optimizer, bus)["attributes"] == plain["attributes"]
    expected = torch.tensor(2.0).log() if make is brain else torch.zeros(5, 2)
    torch.testing.assert_close(told.detach(), expected)
    model(given)
    assert heard.keys("activations")


def copied(model: nn.Module, way: str) -> Any:
    if way == "deepcopy":
        return copy.deepcopy(model)
    if way == "pickle":
        return pickle.loads(pickle.dumps(model))
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def test_towers_and_averages_are_left_alone(watched, heard):
    model = net()
    watched(model)
    average = torch.optim.swa_utils.AveragedModel(model)
    parallel = nn.DataParallel(model)

    average(torch.ones(2, 4))
    assert heard.messages == []
    parallel(torch.ones(2, 4))

    assert heard.keys("activations") == ["linear0", "relu0", "linear1"]


def test_two_exporters_do_not_disturb_each_other(bus, watched, heard):
    first, second = net(), net()
    one, _ = watched(first), watched(second)
    learn(second, torch.optim.SGD(second.parameters(), 0.1))
    one.detach()
    assert bus.topics

    learn(first, torch.optim.SGD(first.parameters(), 0.1))
    learn(second, torch.optim.SGD(second.parameters(), 0.1))

    assert [m.step for m in heard.messages if m.topic == "step_finished"] == [1, 2]
