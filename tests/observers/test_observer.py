from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu, Observer
from akidlab.errors import DataError, KindError
from akidlab.models.brains import OneLayerBrain


@pytest.fixture(scope="module")
def kid(tmp_path_factory: pytest.TempPathFactory) -> Kid:
    kid = Kid(
        FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), max_steps=60, record=False,
        log_dir=tmp_path_factory.mktemp("logs"), save_chk_point=False,
    )  # fmt: skip
    kid.practice()
    return kid


def test_filters_are_shown_in_akids_layouts(kid: Kid) -> None:
    observer = Observer(kid)

    for layout in ("square", {"type": "normal", "num": 4}, {"type": "inverse", "num": 4}, "dynamic"):
        shown = observer.visualize_filters(["conv1"], layout)
        assert list(shown.arrays) == ["conv1"]
        assert shown.meant["conv1"].shape == (32, 1, 5, 5)
    assert list(observer.visualize_filters().arrays) == ["conv1", "ip1"]


def test_files_are_written_only_where_a_folder_is_named(kid: Kid, tmp_path: Path) -> None:
    observer = Observer(kid)
    observer.visualize_filters()
    assert kid.folder is not None
    assert not (kid.folder / "visualization").exists()

    observer.visualize_filters(folder=True)
    observer.visualize_activation(folder=tmp_path)

    assert sorted(p.name for p in (kid.folder / "visualization").iterdir()) == [
        "conv1_para.png",
        "ip1_para.png",
    ]
    assert (tmp_path / "relu1_fmap.png").exists()


def test_activations_of_a_sample_by_its_index_or_by_itself(kid: Kid) -> None:
    observer, sample = Observer(kid), next(iter(kid.sensor.validation_batches()))[0][3]

    by_index, by_itself = observer.visualize_activation(3), observer.visualize_activation(sample)

    assert list(by_index.arrays) == ["conv1", "relu1", "pool1", "ip1"]
    np.testing.assert_array_equal(by_index.arrays["conv1"], by_itself.arrays["conv1"])
    with pytest.raises(DataError, match="samples to look at, 0 to"):
        observer.visualize_activation(10_000)


def test_classifying_tells_the_label_and_the_prediction(kid: Kid) -> None:
    images, labels = next(iter(kid.sensor.validation_batches()))
    told = kid.predict(images[[5, 7]]).argmax(1).tolist()

    shown = Observer(kid).visualize_classifying("ip1", idxs=[5, 7])

    assert list(shown.arrays) == [
        f"{row} Label: {labels[row]}; PL: {said}" for row, said in zip([5, 7], told, strict=True)
    ]
    np.testing.assert_array_equal(next(iter(shown.arrays.values())), images[5, 0].numpy())


def test_norms_sparsity_stems_and_lines_are_charts(kid: Kid) -> None:
    observer = Observer(kid)

    assert observer.do_stat_on_filters().arrays["conv1"].shape == (32,)
    assert 0 < observer.plot_relu_sparsity().array[0] < 1
    assert observer.stem3_data().array.shape == (8, 8)
    assert observer.line_plot([1, 10], [0.5, 0.25], "step", "loss", "L", log_x=True).array.shape == (2, 2)
    with pytest.raises(DataError, match="found 1 and 2"):
        observer.line_plot([1], [1, 2])


def test_a_run_without_sparsity_is_told_how_to_record_it() -> None:
    class Bare:
        name = "digits"

        def tags(self) -> list[str]:
            return ["loss"]

    with pytest.raises(DataError, match="recorded no sparsity"):
        Observer(nn.ReLU()).plot_relu_sparsity(Bare())


def test_a_module_of_torch_is_observed_with_samples_of_ones_own() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    observer = Observer(module, samples=torch.rand(3, 1, 8, 8), labels=[0, 1, 0])

    assert list(observer.visualize_filters().arrays) == ["conv2d0", "linear0"]
    assert len(observer.visualize_classifying().arrays) == 3
    with pytest.raises(DataError, match="There are no samples to look at"):
        Observer(module).visualize_activation()


def test_what_cannot_be_observed_is_told() -> None:
    with pytest.raises(KindError, match="An Observer looks at a kid, a brain or a torch module, found 7"):
        Observer(7)  # type: ignore[arg-type]


def test_observing_loads_no_matplotlib() -> None:
    code = (
        "import sys, torch; from akidlab import Observer; "
        "Observer(torch.nn.Conv2d(1, 2, 3)).visualize_filters()._repr_mimebundle_(); "
        "assert 'matplotlib' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_of_blocks_alone_are_looked_at_with_the_first_sample(kid: Kid) -> None:
    observer = Observer(kid)

    assert list(observer.visualize_activation("conv1").arrays) == ["conv1"]
    assert list(observer.visualize_activation(["conv1", "relu1"]).arrays) == ["conv1", "relu1"]
    assert observer.visualize_activation("conv1").title == "Feature maps of sample 0"


def test_below_zero_samples_are_counted_from_the_last(kid: Kid) -> None:
    observer = Observer(kid)
    last = len(observer._data()[0]) - 1

    assert observer.visualize_activation(-1).title == f"Feature maps of sample {last}"
    assert next(iter(observer.visualize_classifying(idxs=[-1]).arrays)).startswith(f"{last} Label")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("visualize_activation(None)", r"A sample is chosen by its index.* found None"),
        ("visualize_activation(1.5)", r"A sample is chosen by its index.* found 1\.5"),
        ("visualize_activation(True)", r"A sample is chosen by its index.* found True"),
        ("visualize_activation(0, 3)", r"A block is chosen by its name.* found 3.*Known: conv1"),
        ("visualize_activation({})", r"A sample is an array or a tensor.* found \{\}"),
        ("visualize_filters(3)", r"A layer with filters is chosen by its name.* found 3.*Known: conv1, ip1"),
        ("visualize_filters([None])", r"A layer with filters is chosen by its name.* found \[None\]"),
        ("visualize_classifying(3)", r"A block is chosen by its name, samples by `idxs=\[3\]`"),
        ("visualize_classifying(['ip1'])", r"The block that tells is chosen by its name, found \['ip1'\]"),
        ("visualize_classifying(idxs=3)", r"`idxs` is a list of indices of samples.* found 3"),
        ("visualize_classifying(idxs=['a'])", r"A sample is chosen by its index.* found 'a'"),
        ("plot_relu_sparsity('x')", r"Sparsity over steps is told by a run.* found 'x'"),
    ],
)
def test_what_cannot_be_meant_is_told(kid: Kid, call: str, told: str) -> None:
    with pytest.raises(KindError, match=told):
        eval(f"observer.{call}", {"observer": Observer(kid)})


def test_samples_are_numbers(kid: Kid) -> None:
    with pytest.raises(KindError, match=r"Samples are an array or a tensor.* found 'x'"):
        Observer(kid, "x")
    with pytest.raises(DataError, match=r"Samples are \[samples, ...\], found the shape \(\)"):
        Observer(kid, 3)


def test_no_picture_is_empty(kid: Kid) -> None:
    for look in (Observer(kid).visualize_filters, Observer(kid).do_stat_on_filters):
        with pytest.raises(DataError, match=r"No layer is named.* for all: conv1, ip1\."):
            look([])
    with pytest.raises(DataError, match=r"No block of Observer\(ReLU\) has filters"):
        Observer(nn.ReLU()).visualize_filters()
