"""Workbench: a brain on which one can work step by step, from drafts to what fits, and back again."""

from akidlab.blocks.workbench.forms import Option, form
from akidlab.blocks.workbench.palette import Kind, palette
from akidlab.blocks.workbench.workbench import Workbench

__all__ = ["Kind", "Option", "Workbench", "form", "palette"]
