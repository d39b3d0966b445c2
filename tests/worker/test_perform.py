"""What a rank does with an assignment, here on a single one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from akidlab import engines
from akidlab.messages import Command, Message, Subscriber
from akidlab.worker import Assignment
from akidlab.worker.perform import Place, clean_up, perform
from akidlab.worker.travel import pack, remember_lines

CELL = """
from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

kid = Kid(FeedSensor(DigitsSource(), batch_size=64), OneLayerBrain(), MomentumKongFu(lr=0.1), max_steps=3)
"""


class Ear(Subscriber):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def hear(self, message: Message) -> None:
        self.heard.append(message)


@pytest.fixture
def ear() -> Ear:
    return Ear()


def do(
    tmp_path: Path, ear: Ear, source: str | None, on_kid: Any = lambda kid: None, **more: Any
) -> dict[str, Any]:
    place = Place(engines.get("single"), tmp_path / "run", "run", ear, on_kid)
    return perform(cloudpickle.dumps(Assignment(source, "<cell>", **more)), place)


def test_the_kid_of_the_cell_practises_and_its_weights_come_back(tmp_path: Path, ear: Ear) -> None:
    report = do(tmp_path, ear, CELL)

    assert (report["status"], report["step"], report["kid"], report["raised"]) == (
        "finished",
        3,
        "kid",
        False,
    )
    assert len(report["weights"]) > 1000
    assert {"loss", "event", "status"} <= {message.topic for message in ear.heard}
    assert (tmp_path / "run" / "step-3.safetensors").exists()


def test_names_of_the_notebook_are_there(tmp_path: Path, ear: Ear) -> None:
    report = do(tmp_path, ear, CELL.replace("max_steps=3", "max_steps=steps"), names={"steps": 2})

    assert report["step"] == 2


def test_overrides_win(tmp_path: Path, ear: Ear) -> None:
    assert do(tmp_path, ear, CELL, overrides={"max_epoch": 1})["step"] == 23


def test_a_command_that_came_early_counts(tmp_path: Path, ear: Ear) -> None:
    report = do(tmp_path, ear, CELL, on_kid=lambda kid: kid.controls.send(Command("stop")))

    assert (report["status"], report["raised"]) == ("stopped", False)


def test_an_error_is_reported_from_the_cell_on(tmp_path: Path, ear: Ear) -> None:
    report = do(tmp_path, ear, "def half(x):\n    return x / 0\n\nhalf(1)\n")

    assert (report["status"], report["raised"]) == ("failed", True)
    assert report["short"] == "ZeroDivisionError: division by zero"
    assert report["error"].splitlines()[:3] == [
        "Traceback (most recent call last):",
        '  File "<cell>", line 4, in <module>',
        "    half(1)",
    ]
    assert "perform.py" not in report["error"]


def test_lines_of_other_cells_are_shown(tmp_path: Path, ear: Ear) -> None:
    other = "def half(x):\n    return x / 0  # of another cell\n"
    home: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(other, "<other>", "exec"), home)
    remember_lines("<other>", other)
    names = pack({"half": home["half"]}, home)
    clean_up()  # of this process, which is the notebook's no more
    report = do(tmp_path, ear, "half(1)", names=names)

    assert "return x / 0  # of another cell" in report["error"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1", "The cell made no Kid"),
        (CELL + "kid = 3", "The cell made no Kid"),
        (CELL + "twin = Kid(kid.sensor, kid.brain, kid.kongfu, max_steps=1)", "several kids: `kid`, `twin`"),
    ],
)
def test_it_must_be_plain_which_kid_is_meant(tmp_path: Path, ear: Ear, source: str, said: str) -> None:
    report = do(tmp_path, ear, source)

    assert said in report["short"]


def test_what_the_cell_defines_is_found_by_name_while_it_runs(tmp_path: Path, ear: Ear) -> None:
    source = "import pickle\nclass Mine: pass\npickle.loads(pickle.dumps(Mine()))\n"

    assert do(tmp_path, ear, source, needs_kid=False)["status"] == "finished"
