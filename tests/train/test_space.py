"""What a search may choose from."""

from __future__ import annotations

import optuna
import pytest

from akidlab.errors import TuningError
from akidlab.train.space import check_space, draw


def drawn(space: object, count: int = 40) -> list[dict[str, object]]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [draw(study.ask(), space) for _ in range(count)]  # type: ignore[arg-type]


def test_a_list_is_a_choice_and_a_tuple_lies_between() -> None:
    found = drawn({"kind": ["a", None], "width": (2, 4), "rate": (0.5, 1.0), "lr": (1e-4, 1.0, "log")})

    assert {one["kind"] for one in found} == {"a", None}
    assert {one["width"] for one in found} == {2, 3, 4}
    assert all(0.5 <= one["rate"] <= 1.0 for one in found)  # type: ignore[operator]
    assert sum(one["lr"] < 0.01 for one in found) > 10  # type: ignore[operator]


def test_classes_and_other_objects_are_choices_too() -> None:
    assert {one["act"] for one in drawn({"act": [dict, (1, 2)]})} == {dict, (1, 2)}


def test_a_function_of_the_trial_makes_spaces_that_depend_on_what_was_drawn() -> None:
    def space(trial: optuna.Trial) -> dict[str, object]:
        depth = trial.suggest_int("depth", 1, 3)
        return {"widths": [trial.suggest_int(f"width{i}", 1, 9) for i in range(depth)]}

    assert {len(one["widths"]) for one in drawn(space)} == {1, 2, 3}  # type: ignore[arg-type]


def test_distributions_of_optuna_are_taken_as_they_are() -> None:
    assert {one["k"] for one in drawn({"k": optuna.distributions.IntDistribution(1, 9, step=4)})} == {1, 5, 9}


@pytest.mark.parametrize(
    "choices", [(1, 1), (2, 1), ("a", "b"), (0, 1, "log"), (1, 2, "lin"), (1,), (True, 3)]
)
def test_a_tuple_that_spans_nothing_is_explained(choices: tuple[object, ...]) -> None:
    with pytest.raises(TuningError, match=r"`lr` may be a tuple `\(low, high\)` with low below high"):
        check_space("opt_space", {"lr": choices})


@pytest.mark.parametrize("choices", [[], 0.1, "relu"])
def test_what_is_no_space_is_explained(choices: object) -> None:
    with pytest.raises(TuningError, match="`lr` may be a list of choices or a tuple"):
        check_space("opt_space", {"lr": choices})
    with pytest.raises(TuningError, match="`opt_space` is a dict of choices, or a function of the trial"):
        check_space("opt_space", 3)  # type: ignore[arg-type]
