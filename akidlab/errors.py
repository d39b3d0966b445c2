"""The errors of akidlab: each says what was found, what was expected and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AkidlabError(Exception):
    """Whatever akidlab raises on purpose; every subclass is also the builtin that a user would catch."""

    def __str__(self) -> str:  # KeyError would show the repr of its message
        return str(self.args[0]) if len(self.args) == 1 else super().__str__()


class BlockError(AkidlabError, ValueError):
    """A block was wired, set up or called in a way that cannot work."""


class UnknownNameError(AkidlabError, KeyError):
    """A name was asked for that nothing carries."""


class NoSuchRunError(AkidlabError, IndexError):
    """A run was asked for by a number that none has."""


class OptionError(UnknownNameError, TypeError):
    """A keyword argument was given that is not taken."""


class KindError(AkidlabError, TypeError):
    """Something of one kind stands where another belongs."""


class DataError(AkidlabError, ValueError):
    """Data are missing, torn, or of a shape that cannot be used."""


class DataNotFoundError(AkidlabError, FileNotFoundError):
    """A data set is not on disk and could not be fetched."""


class CheckpointError(AkidlabError, ValueError):
    """A checkpoint is torn, or belongs to another kid."""


class StoreError(AkidlabError, OSError):
    """The store of runs cannot be read or written."""


class MissingPackageError(AkidlabError, ImportError):
    """A package that only some of akidlab needs is not installed."""


class NotFiniteError(AkidlabError, FloatingPointError):
    """A loss, an activation or a gradient is NaN or infinite; the message names the block where it arose."""


class MetricError(AkidlabError, ValueError):
    """A metric was asked for of something that it cannot be computed of."""


class ProbeError(AkidlabError, RuntimeError):
    """A probe failed in its process; the message ends with what the process said."""


class ProbeTimeoutError(AkidlabError, TimeoutError):
    """A probe is not done yet; it goes on."""


class AskError(AkidlabError, ValueError):
    """A live run was asked for something that it cannot, or may not, answer."""


class MagicError(AkidlabError, ValueError):
    """A magic was called with something that it cannot do."""

    def _render_traceback_(self) -> list[str]:  # IPython asks: where we noticed it tells the user nothing
        return [f"{type(self).__name__}: {self}"]


class DispatchError(AkidlabError, RuntimeError):
    """A pool of ranks could not be started, reached or used."""


class RankError(DispatchError):
    """A rank failed; its message ends with the traceback of that rank."""

    def _render_traceback_(self) -> list[str]:  # IPython asks: the traceback that counts is the rank's
        return [f"{type(self).__name__}: {self}"]


class LostRankError(DispatchError):
    """A rank lost the others in the middle of what they do together: never the cause, which is elsewhere."""


class WorkerError(AkidlabError, RuntimeError):
    """A worker of a sensor failed, died or hangs; its message ends with what the worker left to tell."""

    def _render_traceback_(self) -> list[str]:  # IPython asks: the traceback that counts is the worker's
        return [f"{type(self).__name__}: {self}"]


class TuningError(AkidlabError, ValueError):
    """A tuning was asked for that cannot work."""


class InstallError(AkidlabError, RuntimeError):
    """Something that must be built or installed is missing, or did not come out right."""


class WireError(AkidlabError, ConnectionError):
    """A peer could not be reached, did not answer in time, or sent what cannot be read."""


def unknown(noun: str, name: str, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that nothing carries, with the nearest name that something does.

    Example:
        >>> print(unknown("block", "cnov1", ["conv1", "relu1"]))
        There is no block `cnov1`. Did you mean `conv1`? Known: conv1, relu1.
    """
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return UnknownNameError(f"There is no {noun} `{name}`.{hint} Known: {shown or 'none'}.")
