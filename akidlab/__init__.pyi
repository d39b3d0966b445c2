# ruff: noqa: I001 - written by `python -m tests.architecture.stub`

from IPython.core.interactiveshell import InteractiveShell

from akidlab import backends as backends
from akidlab import blocks as blocks
from akidlab import common as common
from akidlab import dispatch as dispatch
from akidlab import engines as engines
from akidlab import kids as kids
from akidlab import kongfus as kongfus
from akidlab import magics as magics
from akidlab import messages as messages
from akidlab import models as models
from akidlab import sensors as sensors
from akidlab import server as server
from akidlab import session as session
from akidlab import sources as sources
from akidlab import store as store
from akidlab import widgets as widgets
from akidlab import wire as wire
from akidlab import worker as worker
from akidlab.blocks import AveragePoolingLayer as AveragePoolingLayer
from akidlab.blocks import BN as BN
from akidlab.blocks import BatchNormalizationLayer as BatchNormalizationLayer
from akidlab.blocks import Block as Block
from akidlab.blocks import Brain as Brain
from akidlab.blocks import Conv2D as Conv2D
from akidlab.blocks import ConvolutionLayer as ConvolutionLayer
from akidlab.blocks import Dropout as Dropout
from akidlab.blocks import DropoutLayer as DropoutLayer
from akidlab.blocks import GraphBrain as GraphBrain
from akidlab.blocks import GraphSystem as GraphSystem
from akidlab.blocks import InnerProductLayer as InnerProductLayer
from akidlab.blocks import LossLayer as LossLayer
from akidlab.blocks import MaxPoolingLayer as MaxPoolingLayer
from akidlab.blocks import MergeLayer as MergeLayer
from akidlab.blocks import PoolingLayer as PoolingLayer
from akidlab.blocks import ReLU as ReLU
from akidlab.blocks import ReLULayer as ReLULayer
from akidlab.blocks import ReshapeLayer as ReshapeLayer
from akidlab.blocks import SequentialBrain as SequentialBrain
from akidlab.blocks import SequentialSystem as SequentialSystem
from akidlab.blocks import SoftmaxWithLossLayer as SoftmaxWithLossLayer
from akidlab.blocks import System as System
from akidlab.engines import Engine as Engine
from akidlab.errors import AkidlabError as AkidlabError
from akidlab.kids import DoneEvent as DoneEvent
from akidlab.kids import EarlyStopping as EarlyStopping
from akidlab.kids import EarlyStoppingEvent as EarlyStoppingEvent
from akidlab.kids import Kid as Kid
from akidlab.kongfus import AdamKongFu as AdamKongFu
from akidlab.kongfus import AdamWKongFu as AdamWKongFu
from akidlab.kongfus import GradientDescentKongFu as GradientDescentKongFu
from akidlab.kongfus import KongFu as KongFu
from akidlab.kongfus import LearningRateScheme as LearningRateScheme
from akidlab.kongfus import MomentumKongFu as MomentumKongFu
from akidlab.messages import Bus as Bus
from akidlab.messages import Message as Message
from akidlab.sensors import FeedSensor as FeedSensor
from akidlab.sensors import Sensor as Sensor
from akidlab.session import Session as Session
from akidlab.sources import ArraySource as ArraySource
from akidlab.sources import DigitsSource as DigitsSource
from akidlab.sources import MNISTFeedSource as MNISTFeedSource
from akidlab.sources import Source as Source
from akidlab.store import Recorder as Recorder
from akidlab.store import Run as Run
from akidlab.store import Runs as Runs
from akidlab.store import Series as Series
from akidlab.store import Store as Store
from akidlab.store import runs as runs
from akidlab.widgets import Dashboard as Dashboard

__version__: str
AKID_DATA_PATH: str

def load_ipython_extension(shell: InteractiveShell) -> None: ...
def unload_ipython_extension(shell: InteractiveShell) -> None: ...
