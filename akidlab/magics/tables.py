"""`%akid_pool` and `%akid_runs`: the ranks that live, and the runs that there are."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import display

from akidlab import config
from akidlab.errors import MagicError
from akidlab.magics import arguments
from akidlab.session import Session, attach


@magics_class
class TableMagics(Magics):
    """The magics that show, and stop, what there is."""

    @line_magic
    @magic_arguments()
    @argument("--start", metavar="N", help="start N ranks, ready for the first cell")
    @argument("--resize", metavar="N", help="replace the ranks of this folder by N others")
    @argument("--launcher", metavar="L", help="what starts them: horovod, the default, or torch")
    @argument("--stop", action="store_true", help="stop the ranks of this folder")
    def akid_pool(self, line: str) -> None:
        """Show the ranks that stay warm between cells; start, resize or stop them.

        %akid_pool
        %akid_pool --resize 4
        %akid_pool --stop
        """
        __tracebackhide__ = True
        if arguments.shows_help(self.akid_pool, line):
            return
        asked = arguments.read(self.akid_pool, line)
        start, resize = arguments.whole("--start", asked.start), arguments.whole("--resize", asked.resize)
        if sum([start is not None, resize is not None, asked.stop]) > 1:
            raise MagicError("Say one of `--start`, `--resize` and `--stop`.")
        session, launcher = Session.current(), arguments.launcher(asked.launcher)
        with arguments.plainly():
            if asked.stop or resize is not None:
                _tell_of(session.stop_pools())
            if start or resize:
                session.pool(start or resize or 1, launcher).wait_ready()
        if not config.quiet():
            display(PoolTable(session.describe_pools()))

    @line_magic
    @magic_arguments()
    @argument("--last", metavar="N", help="only the first N")
    @argument(
        "--attach",
        metavar="R",
        nargs="?",
        const="",
        help="show the run R, or the one that trains, and steer it",
    )
    def akid_runs(self, line: str) -> Any:
        """Show the runs of the store here: those that train, then the others, the newest first.

        %akid_runs --last 10
        %akid_runs --attach digits
        run = %akid_runs --attach

        A run trains on when its notebook is closed, or its kernel killed; attached, it is shown live again,
        with its controls, `.wait()` and `.weights()`. `akidlab.runs()` gives the runs to work with.
        """
        __tracebackhide__ = True
        from akidlab.store import runs

        if arguments.shows_help(self.akid_runs, line):
            return None
        asked = arguments.read(self.akid_runs, line)
        last = arguments.whole("--last", asked.last)
        if asked.attach is not None:
            if last is not None:
                raise MagicError("Say `--last` or `--attach`, not both.")
            with arguments.plainly():
                return attach(asked.attach or None)
        if not config.quiet():
            display(runs().live_first()[:last])
        return None


def _tell_of(stopped: list[str]) -> None:
    if stopped and not config.quiet():
        print(f"Stopped with their ranks: {', '.join(f'`{name}`' for name in stopped)}.")


class PoolTable:
    """The pools of this folder, as a table in words and in HTML.

    Args:
        pools: what `Pool.describe` says of each.
    """

    COLUMNS = ("ranks", "state", "run", "launcher", "idle", "supervisor", "folder")

    def __init__(self, pools: list[dict[str, Any]]) -> None:
        self.rows = [_row(pool) for pool in pools]

    def __repr__(self) -> str:
        if not self.rows:
            return "No ranks. `%akid_pool --start 2` starts two; so does a `%%akid_train -np 2` cell."
        table = [self.COLUMNS, *self.rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(self.COLUMNS))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])

    def _repr_html_(self) -> str:
        if not self.rows:
            return "<p>" + re.sub("`(.*?)`", r"<code>\1</code>", escape(repr(self))) + "</p>"
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in self.COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(pool: dict[str, Any]) -> tuple[str, ...]:
    idle = pool.get("idle_left")
    waiting = [f"{name} (waits)" for name in pool.get("waiting", [])]
    return (
        str(pool.get("size", "")),
        str(pool.get("state", "")),
        ", ".join(filter(None, [pool.get("run"), *waiting])) or "-",
        str(pool.get("launcher", "")),
        "-" if idle is None else f"leaves in {idle:.0f} s",
        str(pool.get("pid", "")),
        str(pool.get("project", "")),
    )
