"""Templates: what makes the kid of an instance: a function, a jinja2 text, or a cell."""

from __future__ import annotations

import inspect
import sys
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from akidlab.errors import TuningError
from akidlab.session.freenames import free_names
from akidlab.session.travel import pack_names
from akidlab.train.arguments import arguments, names_of
from akidlab.train.instance import Instance
from akidlab.worker.travel import pack

FUNCTION, GIVEN = "__akidlab_template__", "__akidlab_given__"
_ROLES = ("template", "process")


@dataclass(frozen=True)
class Recipe:
    """What another process makes the kid from.

    Args:
        names: what the template needs from the notebook, as `akidlab.worker.travel.pack` packs it; of a
            function, itself included.
        given: the parameters, packed the same way.
        source: the text of a template that is none, plain Python.
        filename: what tracebacks call that text.
        takes_seed: whether the template reads `seed`; if not, its kid is told.
    """

    names: bytes = field(repr=False)
    given: bytes = field(repr=False)
    source: str | None = None
    filename: str = "<template>"
    takes_seed: bool = False


class Template(ABC):
    """Makes the kid of an instance."""

    takes_seed = False

    @staticmethod
    def of(template: object, home: dict[str, Any] | None = None) -> Template:
        """The template meant by a function, by a jinja2 text, or by a function whose body is such a text.

        Args:
            template: what the user gave.
            home: the namespace whose names a text may read; by default the notebook's.

        Raises:
            TuningError: if it is none of them.
        """
        home = sys.modules["__main__"].__dict__ if home is None else home
        if isinstance(template, Template):
            return template
        if isinstance(template, str):
            return TextTemplate(template, home)
        if not callable(template):
            raise TuningError(
                f"A template is a function that returns a kid, or a jinja2 text that makes one; found "
                f"{template!r:.80}."
            )
        text = _jinja_of(template)
        return TextTemplate(text, home) if text is not None else FunctionTemplate(template, home)

    @abstractmethod
    def check(self, instance: Instance) -> None:
        """Raise a TuningError if it cannot make the kid of `instance`."""

    @abstractmethod
    def recipe(self, instance: Instance) -> Recipe:
        """What another process needs to make the kid of `instance`."""

    @abstractmethod
    def prepare(self, instance: Instance) -> tuple[dict[str, Any], str | None]:
        """The same for this process: names for a namespace, and a source."""


class FunctionTemplate(Template):
    """A function that is given the parameters and returns a kid.

    It takes `opt_paras` and `net_paras`, dicts, or their parameters by name; `seed` and `repeat`, too, if it
    has such arguments.
    """

    def __init__(self, function: Callable[..., Any], home: dict[str, Any]) -> None:
        self.function = function
        self.home: dict[str, Any] = getattr(inspect.unwrap(function), "__globals__", home)
        self.takes_seed = "seed" in inspect.signature(function).parameters
        self._names: bytes | None = None

    def check(self, instance: Instance) -> None:
        arguments(self.function, instance)

    def recipe(self, instance: Instance) -> Recipe:
        given = arguments(self.function, instance)
        if self._names is None:  # the same for all: large data are packed once
            self._names = pack_names({FUNCTION: self.function}, self.home, roles=_ROLES).data
        return Recipe(self._names, _pack_given(given, self.home), takes_seed=self.takes_seed)

    def prepare(self, instance: Instance) -> tuple[dict[str, Any], str | None]:
        return {FUNCTION: self.function, GIVEN: arguments(self.function, instance)}, None


class TextTemplate(Template):
    """A text with `{{ opt_paras[...] }}` and `{{ net_paras[...] }}` in it, Python once they are filled in.

    It defines `setup`, which returns a kid, or binds `kid`. Parameters can be read by name, too, in the text
    and, as ordinary names, in the Python.

    Args:
        text: the template.
        home: the namespace whose names it may read.
        filename: what tracebacks call it.
        is_jinja: False for plain Python: the parameters are ordinary names.
    """

    def __init__(
        self, text: str, home: dict[str, Any], *, filename: str = "<template>", is_jinja: bool = True
    ) -> None:
        self.text, self.home, self.filename, self.is_jinja = text, home, filename, is_jinja
        if is_jinja:
            self.text = textwrap.dedent(text)
        self.takes_seed = "seed" in self._read_by_text()
        self._packed: dict[frozenset[str], bytes] = {}

    def check(self, instance: Instance) -> None:
        self._source(instance)

    def recipe(self, instance: Instance) -> Recipe:
        source, given = self._source(instance), names_of(instance)
        free = free_names(source, self.filename)
        takes_seed = self.takes_seed or "seed" in free.needed | free.perhaps
        needed = {name: self.home[name] for name in sorted(free.needed - set(given)) if name in self.home}
        perhaps = {name: self.home[name] for name in sorted(free.perhaps - set(given)) if name in self.home}
        key = frozenset(free.bound | set(needed) | set(perhaps))
        if key not in self._packed:
            bound = free.bound | set(given)
            luggage = pack_names(needed, self.home, without=bound, perhaps=perhaps, roles=_ROLES)
            self._packed[key] = luggage.data
        return Recipe(self._packed[key], _pack_given(given, self.home), source, self.filename, takes_seed)

    def prepare(self, instance: Instance) -> tuple[dict[str, Any], str | None]:
        return {**self.home, GIVEN: names_of(instance)}, self._source(instance)

    def _source(self, instance: Instance) -> str:
        source = self._filled_in(instance) if self.is_jinja else self.text
        try:
            compile(source, self.filename, "exec", dont_inherit=True)
        except SyntaxError as error:
            line = (error.text or "").strip()
            raise TuningError(
                f"The template, filled in for instance {instance.index} ({instance}), is not Python: "
                f"{error.msg} in line {error.lineno}: `{line}`."
            ) from None
        return source

    def _filled_in(self, instance: Instance) -> str:
        import jinja2

        environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
        try:
            return environment.from_string(self.text).render(names_of(instance))
        except jinja2.TemplateError as error:
            raise TuningError(
                f"The template cannot be filled in for instance {instance.index} ({instance}): {error}. "
                f"It has: {', '.join(names_of(instance))}."
            ) from None

    def _read_by_text(self) -> set[str]:
        if not self.is_jinja:
            return set()
        import jinja2
        from jinja2 import meta

        try:
            return meta.find_undeclared_variables(jinja2.Environment().parse(self.text))
        except jinja2.TemplateSyntaxError as error:
            raise TuningError(f"The template is not jinja2: {error.message}, line {error.lineno}.") from None


def _pack_given(given: dict[str, Any], home: dict[str, Any]) -> bytes:
    try:
        return pack({GIVEN: given}, home)
    except Exception:  # pickling raises whatever a value does
        pack_names(given, home, roles=_ROLES)  # says which, and why
        raise


def _jinja_of(function: Callable[..., Any]) -> str | None:
    """The source of a function that is a jinja2 template in the shape of Python, as akid's were."""
    if not inspect.isfunction(function) or inspect.signature(function).parameters:
        return None
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return None
    return textwrap.dedent(source) if "{{" in source or "{%" in source else None
