"""akid's manual runs with `akidlab` in place of `akid`."""

from __future__ import annotations

from pathlib import Path

import pytest

from akidlab.config import data_path

IMPORTS = """
from akidlab import AKID_DATA_PATH
from akidlab import FeedSensor
from akidlab import Kid
from akidlab import MomentumKongFu
from akidlab import MNISTFeedSource

from akidlab.models.brains import LeNet
"""
PARTS = """
brain = LeNet(name="Brain")
source = MNISTFeedSource(name="Source",
                         url='http://yann.lecun.com/exdb/mnist/',
                         work_dir=AKID_DATA_PATH + '/mnist',
                         center=True,
                         scale=True,
                         num_train=50000,
                         num_val=10000)

sensor = FeedSensor(name='Sensor', source_in=source)
"""
PRACTICE = """
kid = Kid(sensor,
          brain,
          MomentumKongFu(name="Kongfu"),
          max_steps=100)
kid.setup()
kid.practice()
"""


@pytest.fixture
def _mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = data_path().absolute()
    if not (folder / "mnist" / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip("the real MNIST is not there: set AKID_DATA_PATH to the folder that holds `mnist/`")
    monkeypatch.setenv("AKID_DATA_PATH", str(folder))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_mnist")
def test_the_holistic_example_learns_mnist():
    names: dict = {}

    exec(IMPORTS + PARTS + PRACTICE.replace("max_steps=100", "max_steps=30"), names)

    kid = names["kid"]
    assert int(kid.clock) == 30
    assert [block.name for block in kid.brain][-1] == "loss"
    assert kid.loss < 2.25
    assert kid.evals["accuracy"] > 0.3
    assert kid.best.step == 30


@pytest.mark.usefixtures("_mnist")
def test_sensor_methods_and_hooks_are_as_the_manual_prints_them():
    names: dict = {}
    parts = PARTS.replace("num_val=10000", "num_val=500")
    exec(IMPORTS + parts + PRACTICE.split("kid.setup")[0].replace("max_steps=100", "max_steps=3"), names)
    kid, sensor = names["kid"], names["sensor"]
    rates: list[float] = []

    def on_batch_begin(kid):
        kid.kongfu.set_lr(0.01 / (1 + int(kid.clock)))
        rates.append(kid.kongfu.get_lr())

    kid.hooks.on_batch_begin.append(on_batch_begin)
    kid.setup()
    loss = kid.practice()

    assert sensor.data().shape == (100, 1, 28, 28)
    assert sensor.labels().shape == (100,)
    assert rates[-3:] == [0.01, 0.005, 0.01 / 3]
    assert kid.validate("val")[0] == pytest.approx(loss)
