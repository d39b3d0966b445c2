"""`%%akid_ranks`: run any cell on the ranks; `%akid_ranks` shows them."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import display

from akidlab import config
from akidlab.errors import MagicError
from akidlab.magics import arguments, body
from akidlab.session import Session
from akidlab.session.ranks import Echo

if TYPE_CHECKING:
    from akidlab.session.cells import RankNotebook
    from akidlab.session.replies import Reply


@magics_class
class RanksMagics(Magics):
    """The magic that runs cells on ranks."""

    @line_cell_magic
    @magic_arguments()
    @argument("ranks", nargs="?", help="which, such as 1 or 0,2; all of them if left out")
    @argument("-np", "--np", metavar="N", help="of the pool of N ranks; started if it does not live")
    @argument("--launcher", metavar="L", help="what starts ranks: horovod, the default, or torch")
    @argument("--time", action="store_true", help="say how long each rank took")
    def akid_ranks(self, line: str, cell: str | None = None) -> None:
        """Run a cell on the ranks, and show what each writes and comes to.

        %%akid_ranks
        kid.brain["conv1"].weight.norm()

        Some of them only, with the time that it takes there:

            %%akid_ranks 1 --time
            engine.device, kid.sensor.batch()[0].std()

        Each rank finds `rank`, `size`, `engine`, and `kid`: the one that trains there, or the last that
        did. What a cell binds stays there for the next one; what else it needs comes from the notebook.
        While a run is under way, the cell is run between two of its steps: by all that are asked after the
        same one. On all ranks a cell may use what they do together (`engine.sum(...)`, `kid.validate()`);
        on some of them that is refused. `%akid_gather` brings values here. As a line, it shows the ranks.

        Interrupting the kernel interrupts the ranks, which stay; a second time ends what does not heed it.
        """
        __tracebackhide__ = True
        if arguments.shows_help(self.akid_ranks, line):
            return
        asked = arguments.read(self.akid_ranks, line)
        ranks, np = which(asked.ranks), arguments.whole("--np", asked.np)
        launcher = arguments.launcher(asked.launcher)
        with arguments.plainly():
            notebook = Session.current().ranks(np, launcher)
            if cell is None:
                if not config.quiet():
                    display(RankTable(notebook.pool.describe(), notebook.names, ranks))
                return
            self._run(notebook, ranks, line, cell, asked.time)

    def _run(
        self, notebook: RankNotebook, ranks: list[int] | None, line: str, cell: str, timed: bool
    ) -> None:
        __tracebackhide__ = True
        shell: Any = self.shell
        whole = body.with_first_line(line, cell, "akid_ranks")
        output = Output()
        try:
            heard = notebook.perform(
                shell.transform_cell(whole),
                ranks=ranks,
                home=shell.user_module.__dict__,
                filename=f"Cell In[{shell.execution_count}]",
                on_output=output,
            )
        except SyntaxError as error:
            raise body.not_python(shell, error) from None
        finally:
            output.finish()
        if heard.renewed:
            from akidlab.session.cells import RENEWED

            sys.stderr.write(f"{RENEWED}\n")
        show(heard.replies, timed=timed)
        heard.check()


def which(text: str | None) -> list[int] | None:
    """The ranks that are meant by `1`, or `0,2`; None for all of them.

    Raises:
        MagicError: if that is no list of ranks.

    Example:
        >>> which("2,0")
        [0, 2]
    """
    if text is None:
        return None
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise MagicError(f"Ranks are numbers, parted by commas, such as `1` or `0,2`; found `{text}`.")
    return sorted({int(number) for number in text.split(",")})


class Output:
    """Shows what ranks write, line by line with the rank; where outputs may not vary, in their order."""

    def __init__(self) -> None:
        self._echo = Echo()
        self._kept: dict[tuple[int, str], list[str]] = {}

    def __call__(self, rank: int, stream: str, text: str) -> None:
        if config.quiet():
            self._kept.setdefault((rank, stream), []).append(text)
        else:
            self._echo(rank, stream, text)

    def finish(self) -> None:
        """Show what was kept."""
        for (rank, stream), pieces in sorted(self._kept.items()):
            for line in "".join(pieces).splitlines():
                getattr(sys, stream).write(f"[{rank}] {line}\n")


def show(replies: Sequence[Reply], *, timed: bool = False) -> None:
    """Show the values that the ranks came to, and how long they took."""
    lines = [labelled(reply.rank, reply.shown) for reply in replies if reply.shown is not None]
    if timed and not config.quiet():
        lines += [labelled(reply.rank, f"{reply.seconds:.3g} s") for reply in replies]
    steps = {reply.step for reply in replies if reply.step is not None}
    if lines and steps and not config.quiet():
        lines.append(f"(after step {max(steps):,})")
    if lines:
        display({"text/plain": "\n".join(lines)}, raw=True)


def labelled(rank: int, text: str) -> str:
    """A text with its rank before it.

    Example:
        >>> print(labelled(1, "tensor([1.,\\n        2.])"))
        [1] tensor([1.,
                    2.])
    """
    label = f"[{rank}] "
    return label + text.replace("\n", "\n" + " " * len(label))


class RankTable:
    """The ranks of a pool, as a table in words and in HTML.

    Args:
        pool: what `Pool.describe` says.
        names: what cells have bound there.
        ranks: which are shown; all of them by default.
    """

    COLUMNS = ("rank", "process", "host", "step")

    def __init__(
        self, pool: dict[str, Any], names: Sequence[str], ranks: Sequence[int] | None = None
    ) -> None:
        found = [one for one in pool["ranks"] if ranks is None or one["rank"] in ranks]
        self.rows = [tuple(str(one[name]) for name in ("rank", "pid", "host", "step")) for one in found]
        run = f", in the run `{pool['run']}`" if pool["run"] else ""
        self.above = f"{pool['size']} ranks of `{pool['launcher']}`, {pool['state']}{run}"
        self.below = f"Cells have bound: {', '.join(names)}" if names else ""

    def __repr__(self) -> str:
        table = [self.COLUMNS, *self.rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(self.COLUMNS))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        rule = "  ".join("─" * width for width in widths)
        return "\n".join([self.above, lines[0], rule, *lines[1:], *([self.below] if self.below else [])])

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in self.COLUMNS)
        rows = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.rows
        )
        above, below = (
            re.sub("`(.*?)`", r"<code>\1</code>", escape(text)) for text in (self.above, self.below)
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f"<p>{above}</p>{table}" + (f"<p>{below}</p>" if below else "")
