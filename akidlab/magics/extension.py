"""Loading: the magics come with `%load_ext akidlab`, and go with `%unload_ext akidlab`."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from akidlab.magics.ask import AskMagics
from akidlab.magics.comment import cell_magic_first
from akidlab.magics.completion import IDENTIFIER, matcher
from akidlab.magics.gather import GatherMagics
from akidlab.magics.ranks import RanksMagics
from akidlab.magics.tables import TableMagics
from akidlab.magics.train import TrainMagics
from akidlab.magics.tune import TuneMagics

_TAKES_KIDS = {
    **{"akid_train": True, "akid_tune": False, "akid_ask": False},
    **{"akid_pool": False, "akid_runs": False, "akid_ranks": False, "akid_gather": False},
}


def load(shell: InteractiveShell) -> None:
    """Give `shell` the magics of akidlab; a second time changes nothing."""
    if "akid_train" in shell.magics_manager.magics["line"]:
        return
    shell.register_magics(TrainMagics)
    shell.register_magics(TuneMagics)
    shell.register_magics(AskMagics)
    shell.register_magics(RanksMagics)
    shell.register_magics(GatherMagics)
    shell.register_magics(TableMagics)
    shell.input_transformers_cleanup.append(cell_magic_first)
    if shell.Completer is not None:
        shell.Completer.custom_matchers.append(matcher(shell, _TAKES_KIDS))


def unload(shell: InteractiveShell) -> None:
    """Take them away again."""
    for name in _TAKES_KIDS:
        for magics in shell.magics_manager.magics.values():
            magics.pop(name, None)
    if cell_magic_first in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(cell_magic_first)
    if shell.Completer is not None:
        matchers = shell.Completer.custom_matchers
        matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != IDENTIFIER]
