"""Blocks: what brains are made of."""

from akidlab.blocks.akid import (
    DataBlock,
    FlowBlock,
    GenerativeBlock,
    ProcessingBlock,
    ProcessingLayer,
    ShadowableBlock,
    UpdateBlock,
    ValidatableProcessingBlock,
)
from akidlab.blocks.block import Block
from akidlab.blocks.brain import Brain, GraphBrain, SequentialBrain
from akidlab.blocks.edit import Edit
from akidlab.blocks.eval_blocks import (
    AUCEvalBlock,
    BatchEvalBlock,
    EvalBlock,
    MultiEvalBlock,
    get_eval_block,
    register_eval_block,
    reset_eval_block_map,
)
from akidlab.blocks.generative import SequentialGBrain, SequentialGSystem
from akidlab.blocks.layers.activation import (
    ActivationLayer,
    GELULayer,
    LeakyReLULayer,
    ReLULayer,
    SigmoidLayer,
    TanhLayer,
)
from akidlab.blocks.layers.attention import MultiHeadAttentionLayer
from akidlab.blocks.layers.collapse_out import CollapseOutLayer
from akidlab.blocks.layers.colorful import ColorfulConvLayer
from akidlab.blocks.layers.colorization import ColorizationReLULayer
from akidlab.blocks.layers.convolution import ConvolutionLayer
from akidlab.blocks.layers.convolution1d import Convolution1DLayer
from akidlab.blocks.layers.deconvolution import DeconvolutionLayer
from akidlab.blocks.layers.dropout import DropoutLayer
from akidlab.blocks.layers.elementwise_loss import BCELossLayer, MSELossLayer
from akidlab.blocks.layers.embedding import EmbeddingLayer
from akidlab.blocks.layers.equivariant import EquivariantProjectionLayer
from akidlab.blocks.layers.evaluation import AUCLayer, BinaryAccuracy, EvalLayer, MultiLabelAccuracy
from akidlab.blocks.layers.global_pooling import GlobalPoolingLayer
from akidlab.blocks.layers.group import GroupProcessingLayer
from akidlab.blocks.layers.group_loss import GroupSoftmaxWithLossLayer
from akidlab.blocks.layers.group_normalization import GroupNormalizationLayer
from akidlab.blocks.layers.group_softmax import GroupSoftmaxLayer, SoftmaxNormalizationLayer
from akidlab.blocks.layers.hinge_loss import HingeLossLayer, MarginRankingLossLayer
from akidlab.blocks.layers.inner_product import (
    FixedWeightInnerProductLayer,
    InnerProductLayer,
    InvariantInnerProductLayer,
)
from akidlab.blocks.layers.l2_normalization import L2NormalizationLayer
from akidlab.blocks.layers.layer_normalization import LayerNormalizationLayer
from akidlab.blocks.layers.loss import LossLayer, SoftmaxWithLossLayer
from akidlab.blocks.layers.lrn import LRNLayer
from akidlab.blocks.layers.max_pooling import MaxPoolingLayer
from akidlab.blocks.layers.memory import MemoryLayer
from akidlab.blocks.layers.memory_pooling import MemoryMaxPoolingLayer
from akidlab.blocks.layers.memory_relu import MemoryReLULayer
from akidlab.blocks.layers.merge import ConcatLayer, MergeLayer
from akidlab.blocks.layers.normalization import BatchNormalizationLayer
from akidlab.blocks.layers.padding_layer import PaddingLayer
from akidlab.blocks.layers.pooling import AveragePoolingLayer, PoolingLayer
from akidlab.blocks.layers.pooling1d import MaxPooling1DLayer
from akidlab.blocks.layers.recurrent import GRULayer, LSTMLayer, RecurrentLayer
from akidlab.blocks.layers.reshape import ReshapeLayer
from akidlab.blocks.layers.scatter import ScatterLayer
from akidlab.blocks.layers.self_normalized import SelfNormalizedConvolutionLayer
from akidlab.blocks.layers.separable import SeparableConvolutionLayer
from akidlab.blocks.layers.synapse import SynapseLayer
from akidlab.blocks.layers.torch_layer import TorchLayer
from akidlab.blocks.layers.weight_loss import KLRegularizationLayer, WeightDecayLayer
from akidlab.blocks.system import System
from akidlab.blocks.topology import GraphSystem, SequentialSystem
from akidlab.blocks.tracing import graph

Conv2D = ConvolutionLayer
SeqentialGBrain = SequentialGBrain  # as akid spells it
Embedding = EmbeddingLayer
ConvTranspose = DeconvolutionLayer
Deconv2D = DeconvolutionLayer
Conv1D = Convolution1DLayer
SNConv2D = SelfNormalizedConvolutionLayer
ReLU = ReLULayer
BN = BatchNormalizationLayer
Dropout = DropoutLayer
Sigmoid = SigmoidLayer
Tanh = TanhLayer
GELU = GELULayer
LeakyReLU = LeakyReLULayer
GSMax = GroupSoftmaxLayer
Maxout = CollapseOutLayer
MaxoutLayer = CollapseOutLayer
L2Norm = L2NormalizationLayer
MaxPooling1D = MaxPooling1DLayer
MPoolLayer = MemoryMaxPoolingLayer
MReLU = MemoryReLULayer
HingeLoss = HingeLossLayer
MarginRankingLoss = MarginRankingLossLayer
KLRegularization = KLRegularizationLayer
LSTM = LSTMLayer
GRU = GRULayer
MultiHeadAttention = MultiHeadAttentionLayer

__all__ = [
    "Block",
    "Edit",
    "DataBlock",
    "FlowBlock",
    "ProcessingBlock",
    "ValidatableProcessingBlock",
    "ShadowableBlock",
    "GenerativeBlock",
    "UpdateBlock",
    "ProcessingLayer",
    "System",
    "SequentialSystem",
    "GraphSystem",
    "Brain",
    "GraphBrain",
    "SequentialBrain",
    "SynapseLayer",
    "ConvolutionLayer",
    "Conv2D",
    "InnerProductLayer",
    "SequentialGSystem",
    "SequentialGBrain",
    "SeqentialGBrain",
    "SelfNormalizedConvolutionLayer",
    "SNConv2D",
    "Convolution1DLayer",
    "Conv1D",
    "DeconvolutionLayer",
    "Deconv2D",
    "ConvTranspose",
    "SeparableConvolutionLayer",
    "ColorfulConvLayer",
    "EquivariantProjectionLayer",
    "FixedWeightInnerProductLayer",
    "InvariantInnerProductLayer",
    "EmbeddingLayer",
    "Embedding",
    "ReLULayer",
    "ReLU",
    "PoolingLayer",
    "MaxPoolingLayer",
    "AveragePoolingLayer",
    "BatchNormalizationLayer",
    "BN",
    "DropoutLayer",
    "Dropout",
    "MergeLayer",
    "ReshapeLayer",
    "LossLayer",
    "SoftmaxWithLossLayer",
    "AUCEvalBlock",
    "BatchEvalBlock",
    "EvalBlock",
    "MultiEvalBlock",
    "get_eval_block",
    "register_eval_block",
    "reset_eval_block_map",
    "AUCLayer",
    "BinaryAccuracy",
    "EvalLayer",
    "MultiLabelAccuracy",
    "GroupSoftmaxWithLossLayer",
    "MSELossLayer",
    "BCELossLayer",
    "WeightDecayLayer",
    "HingeLossLayer",
    "HingeLoss",
    "MarginRankingLossLayer",
    "MarginRankingLoss",
    "KLRegularizationLayer",
    "KLRegularization",
    "RecurrentLayer",
    "LSTMLayer",
    "LSTM",
    "GRULayer",
    "GRU",
    "MultiHeadAttentionLayer",
    "MultiHeadAttention",
    "TorchLayer",
    "ActivationLayer",
    "SigmoidLayer",
    "TanhLayer",
    "GELULayer",
    "LeakyReLULayer",
    "ConcatLayer",
    "GroupProcessingLayer",
    "CollapseOutLayer",
    "SoftmaxNormalizationLayer",
    "GroupSoftmaxLayer",
    "Sigmoid",
    "Tanh",
    "GELU",
    "LeakyReLU",
    "GSMax",
    "Maxout",
    "MaxoutLayer",
    "GroupNormalizationLayer",
    "LayerNormalizationLayer",
    "LRNLayer",
    "L2NormalizationLayer",
    "ColorizationReLULayer",
    "L2Norm",
    "MaxPooling1DLayer",
    "GlobalPoolingLayer",
    "MaxPooling1D",
    "MemoryLayer",
    "MemoryReLULayer",
    "MemoryMaxPoolingLayer",
    "ScatterLayer",
    "graph",
    "PaddingLayer",
    "MPoolLayer",
    "MReLU",
]
