"""The list of public names: a name is added here, and in `CHANGELOG.md`, on purpose."""

from __future__ import annotations

import importlib

import pytest

import akidlab
from akidlab._public import HOMES, PACKAGES
from tests.architecture import reference, stub

PUBLIC = [
    "samplers",
    "Semaphore", "tune",
    "ActivationLayer", "AdamKongFu", "AdamWKongFu", "ArraySource", "attach", "AUCEvalBlock", "AUCLayer",
    "AveragePoolingLayer", "BatchEvalBlock", "BatchNormalizationLayer", "BCELossLayer",
    "BinaryAccuracy", "Block", "BN", "Brain", "Bus", "center_unit_eig_denormalization",
    "center_unit_eig_normalization", "center_unit_eig_normalization_cr", "Cifar100Source",
    "Cifar100TFSource", "Cifar10AkidSource", "Cifar10FeedSource", "Cifar10TorchSource",
    "CollapseOutLayer", "ColorfulConvLayer", "ColorizationReLULayer", "ColorJoker", "ConcatLayer",
    "ConstantInitializer", "contrast_normalize", "Conv1D", "Conv2D", "Convolution1DLayer",
    "ConvolutionLayer", "ConvTranspose", "CropJoker", "Dashboard", "DataParallelEngine",
    "DataPrefetchProcessesDeadEvent", "DataPrefetchThreadsDeadEvent", "DataSet", "DataSets",
    "DatasetSource", "Deconv2D", "DeconvolutionLayer", "DigitsSource", "DoneEvent", "Dropout",
    "DropoutLayer", "EarlyStopping", "EarlyStoppingEvent", "Embedding", "EmbeddingLayer", "Engine",
    "EpochCompletedEvent", "EquivariantProjectionLayer", "EvalBlock", "EvalLayer", "FeedSensor",
    "FeedSource", "FixedStdInitializer", "FixedWeightInnerProductLayer", "FlipJoker",
    "FunctionInitializer", "GELU", "GELULayer", "get_eval_block", "GlobalPoolingLayer",
    "GradientDescentKongFu", "GraphBrain", "GraphSystem", "GroupNormalizationLayer",
    "GroupProcessingLayer", "GroupSoftmaxLayer", "GroupSoftmaxWithLossLayer", "GSMax",
    "HCifar100Source", "HCifar100TFSource", "hessian", "hessian_spectrum", "hessian_vector_product",
    "HingeLoss", "HingeLossLayer", "ImageFolderSource", "ImagenetTorchSource", "Initializer",
    "InnerProductLayer", "IntegratedSensor", "InvariantInnerProductLayer", "Joker", "JokerSystem",
    "Kid", "KLRegularization", "KLRegularizationLayer", "KongFu", "KorniaJoker", "L2Norm",
    "L2NormalizationLayer", "lanczos_spectrum_approx", "lanczos_spectrum_approx_cr",
    "lanczos_tridiagonalization_fast", "lanczos_tridiagonalization_fast_cr",
    "lanczos_tridiagonalization_slow", "layer_metrics", "LayerNormalizationLayer", "LazySource",
    "LeakyReLU", "LeakyReLULayer", "LearningRateScheme", "LightJoker", "LossLayer", "LRNLayer",
    "MarginRankingLoss", "MarginRankingLossLayer", "Maxout", "MaxoutLayer", "MaxPooling1D",
    "MaxPooling1DLayer", "MaxPoolingLayer", "MemoryLayer", "MemoryMaxPoolingLayer", "MemoryReLULayer",
    "MergeLayer", "Message", "MNISTFeedSource", "MNISTSource", "MNISTTorchSource", "MomentumKongFu",
    "MPoolLayer", "MReLU", "MSELossLayer", "MSRAInitializer", "MultiEvalBlock", "MultiLabelAccuracy",
    "NEW_LABEL_ORDER_LIST", "nn_riemannic_metric", "NormalizeJoker", "OLD_LABEL_ORDER_LIST",
    "PaddingLayer", "PadJoker", "ParallelSensor", "Pool", "PoolingLayer", "pullback_metric",
    "RangeUniformInitializer", "Recorder", "register_eval_block", "ReLU", "ReLULayer",
    "rescale_image", "RescaleJoker", "reset_eval_block_map", "ReshapeLayer", "ResizeJoker",
    "RotatedMNISTFeedSource", "Run", "runs", "Runs", "Sampler", "ScalarInitializer", "ScatterLayer",
    "SelfNormalizedConvolutionLayer", "Sensor", "SeparableConvolutionLayer", "SeqentialGBrain",
    "SequenceSampler", "SequentialBrain", "SequentialGBrain", "SequentialGSystem", "SequentialSystem",
    "Series", "Session", "ShuffleSampler", "Sigmoid", "SigmoidLayer", "SimpleSensor",
    "SingleGPUEngine", "SNConv2D", "SoftmaxNormalizationLayer", "SoftmaxWithLossLayer", "Source",
    "Store", "SynapseLayer", "System", "Tanh", "TanhLayer", "TheOldInitializer", "TorchKongFu",
    "TorchSource", "WeightDecayLayer", "WhitenJoker", "XavierInitializer", "ZCAWhitening",
    "Edit", "DataBlock", "FlowBlock", "ProcessingBlock", "ValidatableProcessingBlock", "ShadowableBlock",
    "GenerativeBlock", "UpdateBlock", "ProcessingLayer", "RecurrentLayer", "LSTMLayer", "LSTM", "GRULayer",
    "GRU", "MultiHeadAttentionLayer", "MultiHeadAttention", "TorchLayer",
    "ask", "graph", "Bands", "compare", "Observer", "Exporter", "Finding", "watch", "WatchOptions",
]  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert set(HOMES) == set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_where_the_root_says_and_in_the_list_of_its_package(name: str) -> None:
    home = importlib.import_module(HOMES[name])

    assert getattr(akidlab, name) is getattr(home, name)
    assert name in home.__all__


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_of_the_root_can_be_reached_as_an_attribute(package: str) -> None:
    assert getattr(akidlab, package) is importlib.import_module(f"akidlab.{package}")


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module `akidlab` has no attribute `Kidd`"):
        akidlab.Kidd  # noqa: B018


def test_completion_offers_the_public_names_and_nothing_else() -> None:
    offered = {name for name in dir(akidlab) if not name.startswith("_")}

    assert offered == {*akidlab.__all__, *PACKAGES, "AKID_DATA_PATH"}


def test_editors_see_every_public_name_in_the_stub_of_the_root() -> None:
    assert stub.PATH.read_text() == stub.text(), "write it anew: `python -m tests.architecture.stub`"


@pytest.mark.parametrize("chapter", reference.CHAPTERS)
def test_every_name_of_akid_is_here_or_has_a_successor(chapter: str) -> None:
    names = set(reference.CHAPTERS[chapter].split())
    missing = {name for name in names if reference.home(name) is None}

    assert missing == names & set(reference.INSTEAD)
