"""Brains as files that others run."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from akidlab import (
    BatchNormalizationLayer,
    Brain,
    ConcatLayer,
    ConvolutionLayer,
    DropoutLayer,
    EmbeddingLayer,
    GraphSystem,
    InnerProductLayer,
    MergeLayer,
    PoolingLayer,
    ReLULayer,
    SequentialBrain,
    SoftmaxWithLossLayer,
    TanhLayer,
)

LABELS = {"name": "system_in", "idxs": [1]}


def _conv_brain(**options) -> Brain:
    unit = GraphSystem(name="unit").attach(
        BatchNormalizationLayer(name="bn"),
        ReLULayer(name="relu"),
        MergeLayer(name="sum", inputs=[{"name": "relu"}, {"name": "system_in"}]),
    )
    brain = Brain(name="small", **options).attach(
        ConvolutionLayer(3, strides=2, out_channel_num=4, name="conv"),
        unit,
        PoolingLayer(2, 2, "SAME", name="pool"),
        DropoutLayer(keep_prob=0.5, name="drop"),
        InnerProductLayer(out_channel_num=3, name="ip"),
        SoftmaxWithLossLayer(3, name="loss", inputs=[{"name": "ip"}, LABELS]),
    )
    images, labels = torch.randn(4, 1, 9, 9), torch.tensor([0, 1, 2, 0])
    brain.setup([images, labels], seed=0)
    for _ in range(3):
        brain(torch.randn(4, 1, 9, 9), labels)
    return brain


def _ran(file, **inputs) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})  # type: ignore[return-value]


def _expected(brain: Brain, *inputs) -> torch.Tensor:
    other = brain.get_clone().eval()
    with torch.no_grad():
        return other.infer(*inputs)


def test_an_onnx_file_computes_what_the_brain_infers_for_any_batch(tmp_path):
    brain = _conv_brain()

    file = brain.export(tmp_path / "deep" / "small.onnx")

    for batch in (1, 4, 7):
        images = torch.randn(batch, 1, 9, 9)
        (answer,) = _ran(file, input=images)
        np.testing.assert_allclose(answer, _expected(brain, images), rtol=1e-4, atol=1e-5)
    assert [path.name for path in file.parent.iterdir()] == ["small.onnx"]


def test_a_program_of_torch_computes_what_the_brain_infers(tmp_path):
    brain = _conv_brain()

    program = torch.export.load(brain.export(tmp_path / "small.pt2")).module()

    for batch in (1, 6):
        images = torch.randn(batch, 1, 9, 9)
        torch.testing.assert_close(program(images), _expected(brain, images))


def test_exporting_leaves_the_brain_as_it_is(tmp_path):
    brain, called = _conv_brain(), []
    brain["conv"].post_forward_hook.append(lambda block, signal: called.append(1))
    state = {name: tensor.clone() for name, tensor in brain.state_dict().items()}
    data = brain["conv"].data

    brain.export(tmp_path / "small.pt2")

    assert brain.training
    assert brain["drop"].training
    assert called == []
    assert brain["conv"].data is data
    assert all(torch.equal(state[name], tensor) for name, tensor in brain.state_dict().items())


def test_moving_averages_take_the_place_of_parameters(tmp_path):
    brain, images = _conv_brain(moving_average_decay=0.9), torch.randn(2, 1, 9, 9)
    with torch.no_grad():
        brain["ip"].weight.add_(1.0)

    program = torch.export.load(brain.export(tmp_path / "small.pt2")).module()

    with brain.averaged():
        torch.testing.assert_close(program(images), _expected(brain, images))


def test_only_the_inputs_that_are_needed_are_asked_for(tmp_path):
    brain = Brain(name="two").attach(
        InnerProductLayer(out_channel_num=4, name="left"),
        EmbeddingLayer(10, 4, name="right", inputs=[{"name": "system_in", "idxs": [2]}]),
        ConcatLayer(name="both", inputs=[{"name": "left"}, {"name": "right"}]),
        InnerProductLayer(out_channel_num=3, name="ip"),
        SoftmaxWithLossLayer(3, name="loss", inputs=[{"name": "ip"}, LABELS]),
    )
    x, y, words = torch.randn(3, 5), torch.tensor([0, 1, 2]), torch.tensor([4, 9, 0])
    brain.setup([x, y, words], seed=0)

    file = brain.export(tmp_path / "two.onnx")

    (answer,) = _ran(file, input0=x, input1=words)
    np.testing.assert_allclose(answer, _expected(brain, x, y, words), rtol=1e-4, atol=1e-5)


def test_a_sequential_brain_and_one_sample_are_exported_too(tmp_path):
    brain = SequentialBrain(name="row").attach(InnerProductLayer(out_channel_num=3), TanhLayer())
    x = torch.randn(1, 4)
    brain(x)

    file = brain.export(tmp_path / "row.onnx", x)

    np.testing.assert_allclose(_ran(file, input=x)[0], _expected(brain, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_a_feedback_becomes_an_input_and_an_output(tmp_path, suffix):
    brain = Brain(name="elman").attach(
        InnerProductLayer(out_channel_num=4, name="in"),
        InnerProductLayer(out_channel_num=4, name="back", inputs=[{"name": "h", "init": 0.5}]),
        MergeLayer(name="sum", inputs=[{"name": "in"}, {"name": "back"}]),
        TanhLayer(name="h"),
        InnerProductLayer(out_channel_num=2, name="out"),
    )
    xs = torch.randn(4, 3, 2)
    brain.setup(xs[0], seed=0)

    file = brain.export(tmp_path / f"elman{suffix}")

    other, state = brain.get_clone().eval(), torch.full((3, 4), 0.5)
    program = None if suffix == ".onnx" else torch.export.load(file).module()
    for x in xs:
        answer, state = program(x, state) if program else _ran(file, input=x, state_h=state)
        state = torch.as_tensor(state)
        with torch.no_grad():
            np.testing.assert_allclose(answer, other.infer(x), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_exported_says_why(tmp_path):
    with pytest.raises(ValueError, match=r"exported to a file `\.onnx` or `\.pt2`, found `small\.pth`"):
        _conv_brain().export(tmp_path / "small.pth")
    with pytest.raises(ValueError, match="`new` was never given an input: give export an example"):
        Brain(name="new").attach(InnerProductLayer(out_channel_num=1)).export(tmp_path / "new.onnx")
    inner = GraphSystem(name="inner").attach(MergeLayer(inputs=[{"name": "system_in"}, {"name": "merge1"}]))
    brain = Brain(name="outer").attach(inner)
    brain(torch.zeros(2, 2))
    with pytest.raises(ValueError, match="`inner` has a feedback within, which cannot be exported"):
        brain.export(tmp_path / "outer.onnx")

    assert list(tmp_path.iterdir()) == []
