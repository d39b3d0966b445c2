"""The public names of the root, each with the package it lives in."""

from __future__ import annotations

_NAMES = {
    "akidlab.blocks": """
        Edit graph DataBlock FlowBlock ProcessingBlock ValidatableProcessingBlock ShadowableBlock
        GenerativeBlock UpdateBlock ProcessingLayer
        Block Brain GraphBrain GraphSystem SequentialBrain SequentialSystem System
        ConvolutionLayer Conv2D InnerProductLayer ReLULayer ReLU
        SequentialGSystem SequentialGBrain SeqentialGBrain SelfNormalizedConvolutionLayer SNConv2D
        Convolution1DLayer Conv1D DeconvolutionLayer Deconv2D ConvTranspose SeparableConvolutionLayer
        ColorfulConvLayer EquivariantProjectionLayer FixedWeightInnerProductLayer InvariantInnerProductLayer
        EmbeddingLayer Embedding SynapseLayer
        PoolingLayer MaxPoolingLayer AveragePoolingLayer BatchNormalizationLayer BN DropoutLayer Dropout
        MergeLayer ReshapeLayer LossLayer SoftmaxWithLossLayer
        GroupSoftmaxWithLossLayer MSELossLayer BCELossLayer WeightDecayLayer HingeLossLayer HingeLoss
        AUCEvalBlock BatchEvalBlock EvalBlock MultiEvalBlock get_eval_block register_eval_block
        reset_eval_block_map AUCLayer BinaryAccuracy EvalLayer MultiLabelAccuracy
        MarginRankingLossLayer MarginRankingLoss KLRegularizationLayer KLRegularization
        RecurrentLayer LSTMLayer LSTM GRULayer GRU MultiHeadAttentionLayer MultiHeadAttention TorchLayer
        ActivationLayer SigmoidLayer TanhLayer GELULayer LeakyReLULayer ConcatLayer GroupProcessingLayer
        CollapseOutLayer SoftmaxNormalizationLayer GroupSoftmaxLayer Sigmoid Tanh GELU LeakyReLU GSMax
        Maxout MaxoutLayer
        GroupNormalizationLayer LayerNormalizationLayer LRNLayer L2NormalizationLayer ColorizationReLULayer
        L2Norm
        MaxPooling1DLayer GlobalPoolingLayer MaxPooling1D
        MemoryLayer MemoryReLULayer MemoryMaxPoolingLayer ScatterLayer PaddingLayer MPoolLayer MReLU
    """,
    "akidlab.initializers": """
        Initializer FunctionInitializer TheOldInitializer XavierInitializer MSRAInitializer
        FixedStdInitializer RangeUniformInitializer ConstantInitializer ScalarInitializer
    """,
    "akidlab.sources": """
        Source ArraySource DigitsSource MNISTFeedSource NEW_LABEL_ORDER_LIST OLD_LABEL_ORDER_LIST
        Cifar10AkidSource Cifar10FeedSource Cifar10TorchSource Cifar100Source Cifar100TFSource
        FeedSource HCifar100Source HCifar100TFSource LazySource MNISTSource MNISTTorchSource
        ZCAWhitening contrast_normalize DatasetSource RotatedMNISTFeedSource TorchSource
        ImageFolderSource ImagenetTorchSource DataSet DataSets
    """,
    "akidlab.jokers": """
        Joker JokerSystem CropJoker FlipJoker PadJoker ResizeJoker LightJoker ColorJoker KorniaJoker
        WhitenJoker RescaleJoker NormalizeJoker
    """,
    "akidlab.sensors.samplers": "Sampler SequenceSampler ShuffleSampler",
    "akidlab.sensors": "Sensor FeedSensor IntegratedSensor SimpleSensor ParallelSensor samplers",
    "akidlab.kongfus": """
        KongFu AdamKongFu AdamWKongFu GradientDescentKongFu MomentumKongFu TorchKongFu LearningRateScheme
    """,
    "akidlab.dispatch": "Pool",
    "akidlab.engines": "Engine DataParallelEngine SingleGPUEngine",
    "akidlab.ops": """
        hessian hessian_spectrum hessian_vector_product nn_riemannic_metric pullback_metric rescale_image
        lanczos_tridiagonalization_slow lanczos_tridiagonalization_fast lanczos_tridiagonalization_fast_cr
        lanczos_spectrum_approx lanczos_spectrum_approx_cr center_unit_eig_normalization
        center_unit_eig_normalization_cr center_unit_eig_denormalization layer_metrics
    """,
    "akidlab.kids": "Kid DoneEvent EarlyStopping EarlyStoppingEvent",
    "akidlab.events": "EpochCompletedEvent DataPrefetchThreadsDeadEvent DataPrefetchProcessesDeadEvent",
    "akidlab.messages": "Bus Message",
    "akidlab.store": "Bands Recorder Run Runs Series Store runs",
    "akidlab.session": "Session ask attach watch",
    "akidlab.exporter": "Exporter",
    "akidlab.observers": "Observer",
    "akidlab.watching": "WatchOptions",
    "akidlab.guards": "Finding",
    "akidlab.train": "Semaphore tune",
    "akidlab.widgets": "Dashboard compare",
}

HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}
PACKAGES = (
    "asking", "atlas", "backends", "blocks", "common", "datasets", "dispatch", "engines", "events",
    "exporter", "guards", "initializers", "jokers", "kids", "kongfus", "magics", "messages", "metrics",
    "models", "nn", "observers", "ops", "parallel", "probes", "sensors", "server", "session", "sources",
    "store", "sugar", "train", "watching", "widgets", "wire", "worker",
)  # fmt: skip
