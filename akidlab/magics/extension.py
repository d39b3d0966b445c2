"""Loading: the magics come with `%load_ext akidlab`, and go with `%unload_ext akidlab`."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from akidlab.magics.comment import cell_magic_first
from akidlab.magics.completion import completer
from akidlab.magics.tables import TableMagics
from akidlab.magics.train import TrainMagics

_MAGICS = {"akid_train": ("line", "cell"), "akid_pool": ("line",), "akid_runs": ("line",)}


def load(shell: InteractiveShell) -> None:
    """Give `shell` the magics of akidlab; a second time changes nothing."""
    if "akid_train" in shell.magics_manager.magics["line"]:
        return
    shell.register_magics(TrainMagics)
    shell.register_magics(TableMagics)
    shell.input_transformers_cleanup.append(cell_magic_first)
    for name, kinds in _MAGICS.items():
        magic = shell.find_line_magic(name)
        complete = completer(magic, kids=name == "akid_train")
        for key in [f"%{name}", f"%%{name}" if "cell" in kinds else name]:
            shell.set_hook("complete_command", complete, str_key=key)


def unload(shell: InteractiveShell) -> None:
    """Take them away again."""
    for name, kinds in _MAGICS.items():
        for kind in kinds:
            shell.magics_manager.magics[kind].pop(name, None)
        for key in (f"%{name}", f"%%{name}", name):
            shell.strdispatchers["complete_command"].strs.pop(key, None)
    if cell_magic_first in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(cell_magic_first)
