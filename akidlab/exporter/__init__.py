"""The exporter: publishes what passes through any torch module, and detaches without a trace."""

from akidlab.exporter.exporter import Exporter
from akidlab.exporter.tensors import tensors_of
from akidlab.exporter.tree import NamedModule, Tree, called, parameters_of, walk

__all__ = ["Exporter", "NamedModule", "Tree", "called", "parameters_of", "tensors_of", "walk"]
