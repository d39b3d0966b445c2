"""Tuning in this process: the table, the runs, and how it is resumed."""

from __future__ import annotations

from typing import Any

import pytest

from akidlab import Store, runs
from akidlab.errors import TuningError
from akidlab.train import results, tune

GRID = {"lr": [0.5, 0.01]}


def test_the_table_has_a_line_for_each_instance_and_its_run_is_in_the_store(home: dict[str, Any]) -> None:
    found = tune(home["setup"], GRID, [{"batch_size": 16}], repeat_times=2, debug=True, name="grid")

    assert list(found.columns) == [
        *("lr", "batch_size", "repeat", "seed", "status", "step"),
        *("loss", "validation_loss", "validation_accuracy", "seconds", "run", "exit_code", "error"),
    ]
    assert found.index.name == "instance"
    assert found[["lr", "repeat", "seed", "status", "step", "run"]].values.tolist() == [
        [0.5, 0, 0, "finished", 20, "grid.0"],
        [0.01, 0, 0, "finished", 20, "grid.1"],
        [0.5, 1, 1, "finished", 20, "grid.2"],
        [0.01, 1, 1, "finished", 20, "grid.3"],
    ]
    assert found.validation_loss.nunique() == 4
    assert found.validation_loss[0] == runs()["grid.0"].scalars("validation_loss").last
    assert runs()["grid.0"].config["opt_paras"] == {"lr": 0.5}
    assert runs()["grid.0"].info["kongfu"].startswith("Momentum")


def test_the_table_can_be_had_again_from_the_store(home: dict[str, Any]) -> None:
    found = tune(home["setup"], GRID, debug=True)
    again = results("tuning")

    assert again.drop(columns="exit_code").equals(found.drop(columns="exit_code"))
    with pytest.raises(TuningError, match=r"There is no tuning `tunnig` in .* There are: tuning\."):
        results("tunnig")


def test_a_second_tuning_has_a_name_of_its_own(home: dict[str, Any]) -> None:
    tune(home["setup"], GRID, debug=True)
    found = tune(home["setup"], debug=True)

    assert found.run.tolist() == ["tuning-2.0"]
    assert len(results("tuning")) == 2


def test_an_error_is_raised_where_a_debugger_can_stop(home: dict[str, Any]) -> None:
    exec("def half(lr):\n    return 1 / lr", home)

    with pytest.raises(ZeroDivisionError, match="division by zero"):
        tune(home["half"], {"lr": [0]}, debug=True)
    run = runs()["tuning.0"]
    assert (run.status, run.error) == ("failed", "ZeroDivisionError: division by zero")
    assert "half" in run.events("error")[0].data["traceback"]


def test_resumed_what_is_finished_stays_and_what_failed_begins_anew(home: dict[str, Any]) -> None:
    exec("def some(lr):\n    assert lr != BAD, 'too fast'\n    return setup(lr)", home)
    home["BAD"] = 0.01
    with pytest.raises(AssertionError, match="too fast"):
        tune(home["some"], GRID, debug=True)
    home["BAD"] = None
    found = tune(home["some"], GRID, debug=True, resume=True)

    assert found.status.tolist() == ["finished", "finished"]
    assert found.run.tolist() == ["tuning.0", "tuning.1-2"]
    assert len(runs()) == 3


def test_resumed_what_was_stopped_goes_on_from_its_checkpoint(home: dict[str, Any]) -> None:
    exec(
        "def stops(lr):\n    kid = setup(lr)\n    kid.hooks.on_val_log_step.append(stop)\n    return kid",
        home,
    )
    home["stop"] = lambda kid: kid.controls.send("stop") if kid.step == 10 else None
    whole = tune(home["setup"], GRID, debug=True, name="whole")
    cut = tune(home["stops"], GRID, debug=True)
    home["stop"] = lambda kid: None
    found = tune(home["stops"], GRID, debug=True, resume=True)

    assert (cut.status.tolist(), cut.step.tolist()) == (["stopped", "stopped"], [10, 10])
    assert found.run.tolist() == ["tuning.0", "tuning.1"]
    assert found.step.tolist() == [20, 20]
    assert found.validation_loss.tolist() == whole.validation_loss.tolist()
    assert runs()["tuning.0"].scalars("loss").steps.tolist() == list(range(1, 21))


def test_there_must_be_something_to_resume(home: dict[str, Any]) -> None:
    with pytest.raises(TuningError, match=r"There is no tuning `sweep` to resume. There are: none."):
        tune(home["setup"], GRID, name="sweep", resume=True)


def test_a_template_that_does_not_fit_starts_nothing(home: dict[str, Any]) -> None:
    with pytest.raises(TuningError, match=r"no argument of `setup` `rate`"):
        tune(home["setup"], [{"lr": 0.1}, {"rate": 0.1}])
    with pytest.raises(TuningError, match="wants 3 slots of the CPU, and there are 2"):
        tune(home["setup"], GRID, gpu_num_per_instance=3, gpus=[], slots=2)
    assert len(Store().runs()) == 0


def test_a_folder_for_checkpoints_in_the_template_is_not_shared(home: dict[str, Any]) -> None:
    exec(
        "def logs(lr):\n    kid = setup(lr)\n    kid.log_dir, kid.continue_from_chk_point = 'same', True\n"
        "    return kid",
        home,
    )
    found = tune(home["logs"], GRID, debug=True)

    assert all((runs()[name].folder / "step-20.safetensors").exists() for name in found.run)
    assert found.loss.nunique() == 2


def test_a_parameter_called_like_a_column_is_told_apart(home: dict[str, Any]) -> None:
    exec("def odd(status):\n    return setup()", home)

    assert tune(home["odd"], {"status": ["x"]}, debug=True)["opt_paras.status"].tolist() == ["x"]
