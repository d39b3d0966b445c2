"""akid's names for what is one class here: its blocks grew their abilities one subclass at a time."""

from __future__ import annotations

from akidlab.blocks.block import Block

DataBlock = Block  # has `data`
FlowBlock = Block  # can be called
ProcessingBlock = Block  # hooks around a pass, `bag`, flags
ValidatableProcessingBlock = Block  # `set_val`, `get_val_copy`
ShadowableBlock = Block  # `set_shadow`, `get_shadow_copy`
GenerativeBlock = Block  # `backward`, `data_g`
UpdateBlock = Block  # `call_on_update`, `on_para_update`
ProcessingLayer = Block  # wiring, losses, evaluations, parameters
