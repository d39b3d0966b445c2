"""What is looked at before ranks are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu, Session
from akidlab.dispatch import Pool
from akidlab.errors import DispatchError, MagicError
from akidlab.models.brains import OneLayerBrain
from akidlab.session import Cargo, Plan
from akidlab.session.dispatching import dispatch


def make(**told: object) -> Kid:
    random = np.random.RandomState(0)
    data = random.rand(32, 1, 4, 4).astype("float32"), random.randint(0, 10, 32)
    sensor = FeedSensor(ArraySource(data, data), batch_size=16)
    return Kid(sensor, OneLayerBrain(), MomentumKongFu(0.1), **{"max_steps": 4, "name": "tiny", **told})  # type: ignore[arg-type]


def no_ranks() -> Pool:
    raise DispatchError("There are no ranks.")


def test_a_kid_with_nothing_left_to_do_asks_for_no_ranks() -> None:
    kid = make()
    kid.practice()

    with pytest.raises(MagicError, match=r"made all of its 4 steps. Say how many more: `--steps 100`"):
        dispatch(no_ranks, Cargo("kid", b""), kid, Plan(), None)


def test_a_checkpoint_beyond_the_end_is_told_with_the_way_on() -> None:
    make(max_steps=8).practice()
    plan, told = Plan(resume="tiny"), r"`tiny` is of step 8, the kid ends at step 4. .*`--steps 100`"

    with pytest.raises(MagicError, match=told):
        Session.current().train(make(), plan)
    with pytest.raises(MagicError, match=told):
        dispatch(no_ranks, Cargo("kid", b"", "kid = make()"), make(), plan, None)


@pytest.mark.parametrize("engine", ["single", "horovod", "torch"])
def test_an_engine_of_ranks_needs_no_word(engine: str) -> None:
    with pytest.raises(DispatchError, match="There are no ranks"):  # a warning would be an error here
        dispatch(no_ranks, Cargo("kid", b"", "kid = make()"), make(engine=engine), Plan(), None)


def test_an_engine_that_ranks_do_not_use_is_told() -> None:
    kid = make(engine="data_parallel")

    with (
        pytest.warns(UserWarning, match="the engine `data_parallel` of the kid is not used.*Leave out `-np`"),
        pytest.raises(DispatchError, match="There are no ranks"),
    ):
        dispatch(no_ranks, Cargo("kid", b"", "kid = make()"), kid, Plan(), None)
