"""What makes the kid of an instance."""

from __future__ import annotations

import linecache
import threading
from typing import Any

import pytest

from akidlab.errors import MagicError, TuningError
from akidlab.train.arguments import arguments
from akidlab.train.instance import Instance
from akidlab.train.making import make_kid
from akidlab.train.template import Template, TextTemplate

HERE = Instance(3, 1, {"lr": 0.5}, {"width": 8}, seed=7)


def made(template: Any, instance: Instance, home: dict[str, Any] | None = None) -> Any:
    """The kid that another process would make."""
    return make_kid(Template.of(template, home).recipe(instance), {"__name__": "__main__"}, instance.seed)


def test_a_function_is_given_what_it_takes() -> None:
    assert arguments(lambda lr, width: None, HERE) == {"lr": 0.5, "width": 8}
    assert arguments(lambda opt_paras, net_paras: None, HERE) == {
        "opt_paras": {"lr": 0.5},
        "net_paras": {"width": 8},
    }
    assert arguments(lambda opt_paras, width, seed, repeat, more=1: None, HERE) == {
        "opt_paras": {"lr": 0.5}, "width": 8, "seed": 7, "repeat": 1,
    }  # fmt: skip
    assert arguments(lambda **paras: None, HERE) == {"lr": 0.5, "width": 8}


def test_a_function_that_does_not_fit_its_parameters_is_told_so() -> None:
    with pytest.raises(
        TuningError, match=r"argument of `<lambda>` `width`. Did you mean `witdh`\?.*`net_paras`"
    ):
        arguments(lambda lr, witdh=1: None, HERE)
    with pytest.raises(TuningError, match=r"needs `depth`, and instance 3 \(lr=0.5, width=8, repeat 1\) has"):
        arguments(lambda lr, width, depth: None, HERE)
    with pytest.raises(TuningError, match=r"`lr` is in `opt_paras` and in `net_paras`"):
        arguments(lambda lr: None, Instance(0, 0, {"lr": 1}, {"lr": 2}))
    with pytest.raises(TuningError, match=r"A template is a function that returns a kid.*found 3"):
        Template.of(3)


def test_what_a_function_reads_of_the_notebook_travels_with_it(home: dict[str, Any]) -> None:
    home["STEPS"] = 11
    kid = made(home["setup"], Instance(0, 0, {"lr": 0.5}, {"batch_size": 8}, seed=0))

    assert (kid.kongfu.get_lr(), kid.sensor.batch_size, kid.max_steps) == (0.5, 8, 11)


def test_a_name_that_cannot_travel_is_said_before_anything_starts(home: dict[str, Any]) -> None:
    exec("def bad(lr):\n    return lock and setup(lr)", home)
    home["lock"] = threading.Lock()

    with pytest.raises(
        MagicError, match=r"a name that the template needs cannot travel to the proc"
    ) as found:
        Template.of(home["bad"]).recipe(Instance(0, 0, {"lr": 1}))
    assert "the name `lock` that it reads" in str(found.value)
    with pytest.raises(MagicError, match=r"`lr`: a `_thread\.lock`"):
        Template.of(home["setup"]).recipe(Instance(0, 0, {"lr": home["lock"]}))


def test_a_text_is_filled_in_and_reads_the_notebook(home: dict[str, Any]) -> None:
    kid = made(
        """
        def setup():
            kid = Kid(
                FeedSensor(ArraySource(data(), data()), batch_size={{ net_paras["batch"] }}),
                OneLayerBrain(), MomentumKongFu({{ opt_paras.lr }}), max_steps=STEPS,
            )
            {% if repeat %}
            kid.name = "again {{ repeat }} {{ batch }}"
            {% endif %}
            return kid
        """,
        Instance(0, 2, {"lr": 0.25}, {"batch": 4}),
        home,
    )

    assert (kid.kongfu.get_lr(), kid.sensor.batch_size, kid.name) == (0.25, 4, "again 2 4")


def test_a_function_in_the_shape_of_a_text_is_one_as_akids_were(home: dict[str, Any]) -> None:
    source = "def make():\n    kid = setup({{ opt_paras['lr'] }})\n    return kid\n"
    exec(compile(source, "<cell 7>", "exec"), home)
    linecache.cache["<cell 7>"] = (len(source), None, source.splitlines(True), "<cell 7>")
    template = Template.of(home["make"], home)

    assert isinstance(template, TextTemplate)
    assert "setup(0.5)" in str(template.recipe(Instance(0, 0, {"lr": 0.5})).source)


def test_a_cell_finds_the_parameters_as_ordinary_names(home: dict[str, Any]) -> None:
    cell = TextTemplate("rate = lr * 2\nkid = setup(rate)", home, is_jinja=False)
    home["lr"] = threading.Lock()  # the notebook's own stays at home

    assert made(cell, Instance(0, 0, {"lr": 0.25})).kongfu.get_lr() == 0.5


def test_a_text_that_cannot_be_filled_in_is_explained(home: dict[str, Any]) -> None:
    with pytest.raises(TuningError, match=r"instance 3 \(lr=0.5.*has no attribute 'rate'.*It has: seed"):
        Template.of("kid = make({{ opt_paras['rate'] }})", home).check(HERE)
    with pytest.raises(TuningError, match=r"is not jinja2: .*line 1"):
        Template.of("kid = {{ lr", home)
    with pytest.raises(TuningError, match=r"is not Python: .* in line 2: `kid = make\(8`"):
        Template.of("x = 1\nkid = make({{ width }}", home).check(HERE)


def test_a_template_that_makes_no_kid_is_told_so(home: dict[str, Any]) -> None:
    with pytest.raises(TuningError, match=r"returned a int; it has to make a Kid"):
        made(lambda: 3, Instance(0))
    with pytest.raises(TuningError, match=r"The template made no kid. Let it bind `kid`"):
        made("x = 1", Instance(0), home)
    with pytest.raises(TuningError, match=r"The template made 2 kids"):
        made("a, b = setup(), setup()", Instance(0), home)


def test_every_repeat_draws_anew_also_when_the_template_sets_the_kid_up(home: dict[str, Any]) -> None:
    exec("def ready():\n    kid = setup()\n    kid.setup()\n    return kid", home)
    kids = [made(home["ready"], Instance(0, seed, seed=seed)) for seed in (0, 1, 1)]
    weights = [next(kid.brain.parameters()) for kid in kids]

    assert not (weights[0] == weights[1]).all()
    assert (weights[1] == weights[2]).all()
    assert [(kid.seed, kid.sensor.seed) for kid in kids] == [(0, 0), (1, 1), (1, 1)]


def test_a_template_that_takes_the_seed_deals_with_it_itself(home: dict[str, Any]) -> None:
    exec("def seeded(seed):\n    kid = setup()\n    kid.seed = 100 + seed\n    return kid", home)

    assert made(home["seeded"], Instance(0, 2, seed=2)).seed == 102
    assert made("kid = setup()\nkid.seed = {{ seed }}", Instance(0, 2, seed=2), home).seed == 2
