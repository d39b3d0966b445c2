"""What a network answered, what was right and what that cost is told once a loss is known."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from akidlab.exporter import Exporter
from akidlab.messages import CallbackSubscriber
from tests.exporter.conftest import net

LABELS = torch.tensor([0, 1, 1])


@pytest.mark.parametrize(
    "loss", [nn.CrossEntropyLoss(), F.cross_entropy, lambda input, target: (input**2).sum()]
)
@pytest.mark.parametrize("by_name", [False, True])
def test_a_loss_tells_of_what_it_was_given(bus, watched, heard, loss, by_name):
    model, raw = net(), []
    bus.subscribe(CallbackSubscriber(raw.append, topics=["loss"], tag="raw"))
    criterion = watched(model).set_loss(loss)

    output = model(torch.randn(3, 4))
    value = criterion(input=output, target=LABELS) if by_name else criterion(output, LABELS)
    value.backward()

    torch.testing.assert_close(heard.of("network_output"), [output.detach()])
    torch.testing.assert_close(heard.of("input_labels"), [LABELS])
    torch.testing.assert_close([m.data for m in raw], [value.detach()])
    assert (raw[0].step, raw[0].data.requires_grad) == (1, False)


def test_a_loss_is_no_layer_and_stays_what_it_is(watched, heard):
    model, loss = net(), nn.CrossEntropyLoss()
    exporter = watched(model)

    assert exporter.set_loss(loss) is loss
    assert exporter.set_loss(F.mse_loss).__name__ == "mse_loss"
    loss(model(torch.randn(3, 4)), LABELS)

    assert heard.keys("activations") == ["linear0", "relu0", "linear1"]


def test_a_loss_of_an_evaluation_has_its_tag(watched, heard):
    model = net()
    criterion = watched(model).set_loss(F.cross_entropy)

    model.eval()
    with torch.no_grad():
        criterion(model(torch.randn(3, 4)), LABELS)

    assert {m.tag for m in heard.messages} == {"eval"}
    assert len(heard.of("input_labels", tag="eval")) == 1


def test_nothing_is_told_of_a_loss_while_nobody_looks(watched, heard):
    model = net()
    exporter = watched(model, every=100)
    criterion = exporter.set_loss(F.cross_entropy)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    for _ in range(3):
        criterion(model(torch.randn(3, 4)), LABELS).backward()
        optimizer.step()
    exporter.detach()
    criterion(model(torch.randn(3, 4)), LABELS)

    assert [m.step for m in heard.messages if m.topic == "input_labels"] == [1]


def test_a_loss_alone_begins_a_step(bus, heard):
    parameter = nn.Parameter(torch.ones(3, 2))
    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(nn.ParameterList([parameter]))
        criterion = exporter.set_loss(F.cross_entropy)
        optimizer = torch.optim.SGD([parameter], 0.1)
        for _ in range(2):
            criterion(parameter * 2, LABELS).backward()
            optimizer.step()

    assert [m.step for m in heard.messages if m.topic == "input_labels"] == [1, 2]
    assert heard.keys("weights") == ["parameterlist.0"] * 2


def test_answers_that_are_objects_are_told_by_their_first_tensor(watched, heard):
    model = net()
    criterion = watched(model).set_loss(lambda answer, labels: F.cross_entropy(answer["logits"], labels))

    logits: Tensor = model(torch.randn(3, 4))
    criterion({"hidden": torch.ones(3), "logits": logits}, LABELS)

    torch.testing.assert_close(heard.of("network_output"), [logits.detach()])
