"""Every public name of akid, chapter by chapter, and where it lives here.

`python -m tests.architecture.reference` prints the table.
"""

from __future__ import annotations

import importlib
from functools import reduce

CHAPTERS = {
    "blocks": """
        Block DataBlock FlowBlock ProcessingBlock ValidatableProcessingBlock ShadowableBlock
        GenerativeBlock ProcessingLayer UpdateBlock
    """,
    "systems": "System SequentialSystem GraphSystem SequentialGSystem",
    "brains": "Brain SequentialBrain GraphBrain SequentialGBrain SeqentialGBrain",
    "sources": """
        Source FeedSource MNISTSource MNISTTorchSource MNISTFeedSource RotatedMNISTFeedSource
        Cifar10AkidSource Cifar10TorchSource Cifar10FeedSource Cifar10TFSource Cifar100TFSource
        HCifar100TFSource ImagenetTorchSource ImagenetTFSource OldSource SupervisedSource
        StaticSource InMemoryFeedSource TFSource ClassificationTFSource DataSet DataSets
        OLD_LABEL_ORDER_LIST NEW_LABEL_ORDER_LIST
    """,
    "samplers and sensors": """
        samplers.get SamplerRegistry SequenceSampler ShuffleSampler Sensor SimpleSensor
        ParallelSensor OldSensor ShuffleQueueSensor IntegratedSensor FeedSensor TorchSensor
    """,
    "jokers": """
        Joker JokerSystem CropJoker FlipJoker LightJoker WhitenJoker RescaleJoker ResizeJoker
        PaddingLayer
    """,
    "kongfus": "KongFu LearningRateScheme MomentumKongFu GradientDescentKongFu AdamKongFu",
    "kids": """
        Kid EarlyStoppingEvent EpochCompletedEvent DoneEvent DataPrefetchThreadsDeadEvent
        DataPrefetchProcessesDeadEvent
    """,
    "engines": """
        engines.get EngineRegistry Engine SingleGPUEngine DataParallelEngine parallel.scatter
        parallel.gather parallel.broadcast parallel.device parallel.thread_run
    """,
    "eval blocks": """
        EvalBlock BatchEvalBlock MultiEvalBlock AUCEvalBlock register_eval_block get_eval_block
        reset_eval_block_map
    """,
    "observer": "Observer",
    "initializers": """
        initializers.get InitializerRegistry TheOldInitializer XavierInitializer MSRAInitializer
        FixedStdInitializer RangeUniformInitializer ConstantInitializer ScalarInitializer
    """,
    "synapse layers": """
        SynapseLayer ConvolutionLayer SelfNormalizedConvolutionLayer SNConv2D Convolution1DLayer
        Conv1D InnerProductLayer ColorfulConvLayer EquivariantProjectionLayer SLUConvLayer
        InvariantInnerProductLayer RenderingMixtureLayer FixedWeightInnerProductLayer
    """,
    "activations, normalisation, pooling": """
        PoolingLayer MaxPoolingLayer MaxPooling1DLayer MaxPooling1D MemoryMaxPoolingLayer MPoolLayer
        ReLULayer ReLU MemoryReLULayer MReLU ColorizationReLULayer SigmoidLayer Sigmoid LRNLayer
        SoftmaxNormalizationLayer GroupProcessingLayer GroupSoftmaxLayer GSMax CollapseOutLayer
        BatchNormalizationLayer BN DropoutLayer Dropout L2NormalizationLayer L2Norm
    """,
    "common layers": "ReshapeLayer PaddingLayer MergeLayer ScatterLayer",
    "losses": """
        LossLayer SoftmaxWithLossLayer GroupSoftmaxWithLossLayer MSELossLayer BCELossLayer
        WeightDecayLayer HingeLossLayer HingeLoss MarginRankingLossLayer MarginRankingLoss
        KLRegularizationLayer KLRegularization
    """,
    "evaluation and memory layers": """
        EvalLayer AUCLayer MultiLabelAccuracy BinaryAccuracy EmbeddingLayer Embedding
    """,
    "nn and ops": """
        nn.binary_accuracy nn.hinge_loss nn.tripod_hinge_loss nn.hinge_ranking_loss
        nn.regularizers.compute ops.image_ops.rescale_image ops.random_ops.msra_initializer
        ops.matrix_ops.lanczos_tridiagonalization_slow
        ops.matrix_ops.lanczos_tridiagonalization_fast
        ops.matrix_ops.lanczos_tridiagonalization_fast_cr ops.matrix_ops.lanczos_spectrum_approx
        ops.matrix_ops.lanczos_spectrum_approx_cr ops.matrix_ops.center_unit_eig_normalization
        ops.matrix_ops.center_unit_eig_normalization_cr
        ops.matrix_ops.center_unit_eig_denormalization
    """,
    "sugar": "sugar.cnn_block sugar.init",
    "tuner": "train.tuner.tune train.Semaphore",
    "models": """
        models.brains.OneLayerBrain models.brains.LeNet models.brains.MnistTfTutorialNet
        models.brains.NewMnistTfTutorialNet models.brains.AlexNet models.brains.VGGNet
        models.brains.ResNet models.brains.CifarResNet models.brains.ImagenetResNet
        models.brains.PatriceNet models.brains.IntriguingConvNet models.brains.AllConvNet
        models.brains.AllConvImagenet
    """,
}

# What does akid's work under another name, or is not there, and why.
_TF = "a reader of TensorFlow's queues: "
_REGISTRY = "plug-ins register by entry point: `akidlab.registry`"
INSTEAD = {
    "Cifar10TFSource": _TF + "`Cifar10FeedSource`",
    "ImagenetTFSource": _TF + "`ImagenetTorchSource`",
    "TFSource": _TF + "`LazySource`",
    "ClassificationTFSource": _TF + "`LazySource`",
    "OldSource": "legacy in akid: `FeedSource`",
    "SupervisedSource": "legacy in akid: every `Source` hands out inputs and labels",
    "StaticSource": "legacy in akid: `FeedSource`",
    "InMemoryFeedSource": "`FeedSource`, `ArraySource`",
    "OldSensor": "legacy in akid: `Sensor`",
    "ShuffleQueueSensor": "a queue of TensorFlow: `SimpleSensor`",
    "TorchSensor": "legacy in akid: `ParallelSensor`",
    "SamplerRegistry": "`akidlab.sensors.samplers.register`",
    "EngineRegistry": _REGISTRY,
    "InitializerRegistry": "`init_para` takes a function",
    "SLUConvLayer": "left out: akid itself calls it a wrong idea",
    "RenderingMixtureLayer": "left out: empty in akid",
}


def home(name: str) -> str | None:
    """Where a name lives: what it is an attribute of, below `akidlab`; None if it is not there."""
    akidlab = importlib.import_module("akidlab")
    try:
        value = reduce(getattr, name.split("."), akidlab)
    except AttributeError:
        try:
            value = getattr(
                importlib.import_module(f"akidlab.{name.rpartition('.')[0]}"), name.rpartition(".")[2]
            )
        except (ImportError, AttributeError):
            return None
    return getattr(value, "__module__", None) or f"akidlab.{name}".rpartition(".")[0]


def table() -> str:
    """The table, in Markdown."""
    lines = ["| chapter | name | lives in |", "| --- | --- | --- |"]
    for chapter, names in CHAPTERS.items():
        lines += [f"| {chapter} | `{name}` | {INSTEAD.get(name) or home(name)} |" for name in names.split()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
