"""`%akid_gather`: bring a value of every rank into the notebook."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from akidlab.errors import KindError, MagicError, unknown
from akidlab.magics import arguments
from akidlab.magics.ranks import Output, which
from akidlab.session import Session

_OPTION = re.compile(r"(?<!\S)(?:--(?:into|ranks|np|launcher)|-np)[\s=]+\S+|(?<!\S)(?:-h|--help)(?!\S)")
_MISSPELT = re.compile(r"(?<!\S)--[a-z][\w-]*")


@magics_class
class GatherMagics(Magics):
    """The magic that gathers."""

    @line_magic
    @magic_arguments()
    @argument("--into", metavar="X", help="the name it gets here; by default that which it has there")
    @argument("--ranks", metavar="R", help="of which ranks, such as 1 or 0,2; of all if left out")
    @argument("-np", "--np", metavar="N", help="of the pool of N ranks")
    @argument("--launcher", metavar="L", help="what started them: horovod or torch")
    @argument("expression", nargs="*", help="a name, or an expression such as kid.brain.state_dict()")
    def akid_gather(self, line: str) -> Any:
        """Bring a value of every rank into the notebook, as a list in their order.

        %akid_gather losses
        %akid_gather kid.brain.state_dict() --into weights --ranks 0
        steps = %akid_gather int(kid.clock)

        Numbers, texts, arrays and tensors come through (those of a GPU to the CPU), and lists and
        dictionaries of them. Nothing is pickled. A name is bound here as it is there; an expression goes
        where `--into` says, else it is the value of the line.
        """
        __tracebackhide__ = True
        if arguments.shows_help(self.akid_gather, line):
            return None
        expression, options = parts(line)
        asked = arguments.read(self.akid_gather, options)
        if not expression:
            raise MagicError(
                "Say what to gather: `%akid_gather losses`, or `%akid_gather kid.loss --into x`."
            )
        into = asked.into or (expression if expression.isidentifier() else None)
        if into is not None and not into.isidentifier():
            raise MagicError(f"`--into` is a name; found `{into}`.")
        ranks, np = which(asked.ranks), arguments.whole("--np", asked.np)
        shell: Any = self.shell
        output = Output()
        with arguments.plainly():
            try:
                notebook = Session.current().ranks(np, arguments.launcher(asked.launcher))
                values = notebook.gather(
                    expression, ranks=ranks, home=shell.user_module.__dict__, on_output=output
                )
            except KindError as error:
                raise MagicError(*error.args) from None
            except SyntaxError as error:
                if option := _MISSPELT.search(expression):
                    known = arguments.options(self.akid_gather)
                    raise MagicError(*unknown("option", option[0], known).args) from None
                raise MagicError(f"`{expression}` is no expression: {error}.") from None
            finally:
                output.finish()
        if into is None:
            return values
        shell.user_ns[into] = values
        return None


def parts(line: str) -> tuple[str, str]:
    """The expression as it was written, and the options before or behind it.

    Example:
        >>> parts("--ranks 1 x[0] - 1 --into first")
        ('x[0] - 1', '--ranks 1 --into first')
    """
    options = [match[0] for match in _OPTION.finditer(line)]
    return _OPTION.sub("", line).strip(), " ".join(options)
