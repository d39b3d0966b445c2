"""akid's manual runs with `akidlab` in place of `akid`: its brains, kids, engines and tuner."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.config import data_path
from akidlab.models.brains import OneLayerBrain

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


ONE_LAYER_BRAIN = """
from akidlab import GraphBrain
from akidlab import ConvolutionLayer, PoolingLayer, ReLULayer, InnerProductLayer, SoftmaxWithLossLayer

class OneLayerBrain(GraphBrain):
    def __init__(self, **kwargs):
        super(OneLayerBrain, self).__init__(**kwargs)
        self.attach(ConvolutionLayer(ksize=[5, 5],
                                     strides=[1, 1, 1, 1],
                                     padding="SAME",
                                     in_channel_num=1,
                                     out_channel_num=32,
                                     name="conv1"))
        self.attach(ReLULayer(name="relu1"))
        self.attach(PoolingLayer(ksize=[5, 5], strides=[5, 5], padding="SAME", name="pool1"))
        self.attach(InnerProductLayer(in_channel_num=1152, out_channel_num=10, name="ip1"))
        self.attach(SoftmaxWithLossLayer(
            class_num=10,
            inputs=[{"name": "ip1", "idxs": [0]},
                    {"name": "system_in", "idxs": [1]}],
            name="loss"))
"""


def test_a_brain_is_built_block_by_block():
    names: dict = {}
    exec(ONE_LAYER_BRAIN, names)

    brain = names["OneLayerBrain"](name="brain")

    assert brain.num_parameters() == 12_362
    loss = brain([torch.zeros(2, 1, 28, 28), torch.tensor([1, 2])])
    assert loss.item() == pytest.approx(2.3, abs=0.1)


RESIDUAL_UNIT = """
from akidlab import GraphSystem
from akidlab import BatchNormalizationLayer, ConvolutionLayer, MergeLayer, ReLULayer

def residual_unit(channels, name):
    unit = GraphSystem(name=name)
    for i in (1, 2):
        unit.attach(BatchNormalizationLayer(channel_num=channels, name="bn%d" % i))
        unit.attach(ReLULayer(name="relu%d" % i))
        unit.attach(ConvolutionLayer([3, 3],
                                     [1, 1, 1, 1],
                                     "SAME",
                                     in_channel_num=channels,
                                     out_channel_num=channels,
                                     initial_bias_value=None,
                                     init_para={"name": "msra"},
                                     wd={"type": "l2", "scale": 0.0002},
                                     name="conv%d" % i))
    unit.attach(MergeLayer(inputs=[{"name": "conv2"}, {"name": "system_in"}], name="merge"))
    return unit
"""
RESIDUAL_BRAIN = """
from akidlab import GraphBrain, InnerProductLayer, PoolingLayer, ReshapeLayer, SoftmaxWithLossLayer

brain = GraphBrain(name="residual")
brain.attach(ConvolutionLayer([3, 3], [1, 1, 1, 1], "SAME", out_channel_num=4, name="conv0"))
brain.attach(residual_unit(4, "unit1"), residual_unit(4, "unit2"))
brain.attach(PoolingLayer([8, 8], [1, 1], "VALID", "avg", name="pool"))
brain.attach(ReshapeLayer(name="reshape"))
brain.attach(InnerProductLayer(out_channel_num=2, name="ip"))
brain.attach(SoftmaxWithLossLayer(class_num=2,
                                  inputs=[{"name": "ip"}, {"name": "system_in", "idxs": [1]}],
                                  name="loss"))
"""


def test_a_residual_unit_built_block_by_block_is_what_it_is_by_hand():
    names: dict = {}
    exec(RESIDUAL_UNIT, names)
    unit = names["residual_unit"](4, "unit")
    images = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))

    value = unit(images)

    by_hand = images
    for conv in (unit["conv1"], unit["conv2"]):
        fired = torch.nn.functional.batch_norm(by_hand, None, None, training=True).relu()
        by_hand = torch.conv2d(fired, conv.weight, padding=1)
    torch.testing.assert_close(value, images + by_hand)


def test_a_brain_of_residual_units_learns_those_within_them_too():
    """akid's brains found none of the parameters of blocks within blocks."""
    names: dict = {}
    exec(RESIDUAL_UNIT + RESIDUAL_BRAIN, names)
    brain, generator = names["brain"], torch.Generator().manual_seed(0)
    images, labels = torch.randn(16, 1, 8, 8, generator=generator), torch.arange(16) % 2
    images[labels == 1] *= 3
    optimizer = torch.optim.Adam(brain.setup([images, labels], seed=0).get_filters(), lr=0.01)
    before = brain["unit1"]["conv2"].weight.detach().clone()

    for _ in range(40):
        optimizer.zero_grad()
        brain.objective([images, labels]).backward()
        optimizer.step()

    assert brain.evals["accuracy"].item() == 1
    assert list(brain.losses) == [*(f"unit{u}.conv{c}" for u in (1, 2) for c in (1, 2)), "loss"]
    assert not torch.equal(brain["unit1"]["conv2"].weight, before)


DATA_PARALLEL = """
from akidlab import kids
from akidlab import DigitsSource, FeedSensor, LearningRateScheme, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

kid = kids.Kid(
    FeedSensor(DigitsSource(), batch_size=32),
    OneLayerBrain(),
    MomentumKongFu(lr_scheme={"name": LearningRateScheme.placeholder}),
    engine=ENGINE,
    max_steps=5)
kid.setup()
loss = kid.practice()
"""


def test_one_kid_practises_on_several_devices_as_on_one():
    losses = []
    for engine in ("single", {"name": "data_parallel", "num_gpu": 2}):
        names: dict = {"ENGINE": engine}
        exec(DATA_PARALLEL, names)
        losses.append(names["loss"])

    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


TUNER = """
from akidlab.train.tuner import tune

template = '''
from akidlab import DigitsSource, FeedSensor, GraphBrain, Kid, MomentumKongFu, SoftmaxWithLossLayer
from akidlab import sugar

def setup():
    sugar.init()
    brain = GraphBrain(name="tuned")
    brain.attach(sugar.cnn_block(ksize=[3, 3],
                                 init_para={"name": "uniform", "range": 0.05},
                                 out_channel_num=8,
                                 activation={{ net_paras["activation"] }},
                                 bn={{ net_paras["bn"] }}))
    brain.attach(sugar.cnn_block(out_channel_num=10, activation=None))
    brain.attach(SoftmaxWithLossLayer(
        class_num=10,
        inputs=[{"name": "ip2"}, {"name": "system_in", "idxs": [1]}],
        name="loss"))
    return Kid(FeedSensor(DigitsSource()), brain, MomentumKongFu(lr={{ opt_paras["lr"] }}), max_steps=3)
'''

opt_paras_list = [{"lr": 0.025}, {"lr": 0.05}]
net_paras_list = [{"activation": {"type": "relu"}, "bn": True},
                  {"activation": {"type": "maxout", "group_size": 2}, "bn": None},
                  {"activation": {"type": "gsmax", "group_size": 4}, "bn": None}]

table = tune(template, opt_paras_list, net_paras_list, debug=True)
"""


def test_the_tuner_trains_every_combination_of_networks_and_rates():
    names: dict = {}
    exec(TUNER, names)

    table = names["table"]
    assert table.status.tolist() == ["finished"] * 6
    assert table.lr.tolist() == [0.025] * 3 + [0.05] * 3
    assert table.loss.notna().all()


def test_names_are_found_where_the_manual_has_them():
    names: dict = {}
    places = """
    from akidlab.common import init
    from akidlab.kids import Kid
    from akidlab.sugar import cnn_block
    from akidlab.train.tuner import tune
    from akidlab import AKID_DATA_PATH, LearningRateScheme, GraphBrain, SeqentialGBrain, Conv2D, MaxoutLayer
    init()
    """

    exec("\n".join(line.strip() for line in places.splitlines()), names)

    assert names["Conv2D"].__name__ == "ConvolutionLayer"


OBSERVING = """
from akidlab import Observer

observer = Observer(kid)
# Visualize filters as the following
filters = observer.visualize_filters(layout={"type": "dynamic"})
# Or visualize feature maps as the following
maps = observer.visualize_activation()
"""


def test_the_observer_visualises_filters_and_feature_maps():
    kid = Kid(FeedSensor(DigitsSource()), OneLayerBrain(), MomentumKongFu(), record=False)
    names: dict = {"kid": kid}

    exec(OBSERVING, names)

    assert list(names["filters"].arrays) == ["conv1", "ip1"]
    assert list(names["maps"].arrays) == ["conv1", "relu1", "pool1", "ip1"]
