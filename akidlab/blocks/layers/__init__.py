"""Layers: the blocks that hold no others, an idea to a file; `akidlab.blocks` offers them all."""
