"""`%akid_ask`: ask a live run for a value that nobody logged."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from IPython.core.display_functions import display
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from akidlab import config
from akidlab.errors import MagicError
from akidlab.magics import arguments

if TYPE_CHECKING:
    from akidlab.session.ask import Answer

_OPTION = re.compile(r"""(?<!\S)--?[a-z][\w-]*(?:(?:=|\s+)(?:"[^"]*"|'[^']*'|[^\s"']+))?(?!\S)""")
_QUOTED = re.compile(r"""(["'])(.*)\1""")


@magics_class
class AskMagics(Magics):
    """The magic that asks."""

    @line_magic
    @magic_arguments()
    @argument("--run", metavar="R", help="the run to ask; the one that began last, if left out")
    @argument("--rank", metavar="N", default="0", help="which of its ranks; 0 if left out")
    @argument("--timeout", metavar="S", default="5", help="seconds to wait for the answer; 5 if left out")
    @argument("question", nargs="*", help="an expression such as conv1.out.std(0)")
    def akid_ask(self, line: str) -> Any:
        """Ask a live run for a value that nobody logged, and let it train on.

        %akid_ask conv1.out.std((0, 2, 3))
        %akid_ask --run digits --rank 1 conv1.weight.grad.norm() / conv1.weight.norm()
        spread = %akid_ask percentiles(ip1.out)

        It is answered between two steps, by the blocks as they are then, and changes nothing. Of a block:
        `out`, `inputs`, its parameters and their `grad`; beside those `step`, `epoch`, `lr`, `loss`. Blocks
        are called as in tags and findings, `encoder/relu0`, or as torch does, `encoder.1`. `brain`
        says what blocks there are, and so does the tab key. Below the answer stands whose it is, and at which
        step; the value itself is plain.
        """
        __tracebackhide__ = True
        from akidlab.session.ask import answer

        if arguments.shows_help(self.akid_ask, line):
            return None
        question, options = _parts(line)
        asked = arguments.read(self.akid_ask, options)
        if not question:
            raise MagicError("Ask for something, such as `%akid_ask conv1.out.std(0)`, or `%akid_ask brain`.")
        rank = 0 if asked.rank == "0" else arguments.whole("--rank", asked.rank)
        timeout = arguments.number("--timeout", asked.timeout, positive=True)
        with arguments.plainly():
            found = answer(question, asked.run, rank=rank or 0, timeout=timeout or 5.0)
        if isinstance(found.value, str) and "\n" in found.value:  # what may be asked: lines for people
            print(found.value)
            _sign(found)
            return None
        self._sign_below(found)
        return found.value

    def _sign_below(self, found: Answer) -> None:
        """Say who answered, below the value, if this is what the cell shows."""
        events: Any = self.shell.events  # type: ignore[union-attr]

        def sign(result: Any) -> None:
            events.unregister("post_run_cell", sign)
            if result.result is found.value:
                _sign(found)

        events.register("post_run_cell", sign)


def _sign(found: Answer) -> None:
    if not config.quiet():
        html = f'<small style="opacity:.7">{escape(str(found))}</small>'
        display({"text/plain": str(found), "text/html": html}, raw=True)


def _parts(line: str) -> tuple[str, str]:
    """The question as it was written, and the options before or behind it.

    Example:
        >>> _parts('--rank 1 conv1.out.max() - 1')
        ('conv1.out.max() - 1', '--rank 1')
    """
    options = [match[0] for match in _OPTION.finditer(line) if match[0].startswith("--")]
    question = _OPTION.sub(lambda match: "" if match[0].startswith("--") else match[0], line).strip()
    quoted = _QUOTED.fullmatch(question)
    return (quoted[2].strip() if quoted else question), " ".join(options)
