"""The exporter: publishes what passes through any torch module, and detaches without a trace."""

from akidlab.exporter.exporter import Exporter
from akidlab.exporter.tensors import tensors_of
from akidlab.exporter.tree import NamedModule

__all__ = ["Exporter", "NamedModule", "tensors_of"]
