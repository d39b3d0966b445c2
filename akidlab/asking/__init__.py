"""Asking: a live run answers questions about what nobody logged. It reads, writes nothing, and is quick."""

from akidlab.asking.answer import answer
from akidlab.asking.desk import Desk
from akidlab.asking.language import parse

__all__ = ["Desk", "answer", "parse"]
