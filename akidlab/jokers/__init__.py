"""Jokers: change the samples of a batch a little, so that a brain does not learn them by heart."""

from akidlab.jokers.color import ColorJoker
from akidlab.jokers.crop import CropJoker
from akidlab.jokers.draw import Draw
from akidlab.jokers.flip import FlipJoker
from akidlab.jokers.joker import Joker
from akidlab.jokers.kornia_joker import KorniaJoker
from akidlab.jokers.light import LightJoker
from akidlab.jokers.normalize import NormalizeJoker
from akidlab.jokers.pad import PadJoker
from akidlab.jokers.resize import ResizeJoker
from akidlab.jokers.system import JokerSystem
from akidlab.jokers.whiten import RescaleJoker, WhitenJoker

__all__ = [
    "Joker",
    "JokerSystem",
    "Draw",
    "CropJoker",
    "FlipJoker",
    "PadJoker",
    "ResizeJoker",
    "LightJoker",
    "ColorJoker",
    "KorniaJoker",
    "WhitenJoker",
    "RescaleJoker",
    "NormalizeJoker",
]
