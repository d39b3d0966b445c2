"""All that a step publishes carries its number, and tells what was."""

from __future__ import annotations

import torch

from tests.exporter.conftest import learn, net


def test_what_a_step_publishes_comes_in_the_order_in_which_it_happens(watched, heard):
    model = net()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1))

    expected = [
        "epoch_started",
        "batch_started",
        "input_data",
        *["activations"] * 3,
        "network_output",
        *["layer_gradients"] * 3,
        *["weights", "weight_gradients", "biases", "bias_gradients"] * 2,
        *["weight_updates", "bias_updates"] * 2,
        "batch_finished",
        "step_finished",
    ]
    assert [m.topic for m in heard.messages] == expected
    assert {(m.step, m.tag) for m in heard.messages} == {(1, "train")}


def test_weights_gradients_and_updates_of_a_step_belong_together(watched, heard):
    model = net()
    watched(model)

    learn(model, torch.optim.SGD(model.parameters(), 0.1), steps=3)

    for step in (1, 2, 3):
        weights, gradient, update = (
            heard.of(topic, "linear0", step)[0] for topic in ("weights", "weight_gradients", "weight_updates")
        )
        torch.testing.assert_close(update, -0.1 * gradient)
        if step < 3:
            torch.testing.assert_close(heard.of("weights", "linear0", step + 1)[0], weights + update)
