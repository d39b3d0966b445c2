"""Watched: a Kid's own watch, which is put on when it practises and taken off at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from akidlab.errors import AkidlabError
from akidlab.kids.randomness import Randomness
from akidlab.kids.report import Report
from akidlab.messages import Log, Message
from akidlab.messages.topics import PICTURES

if TYPE_CHECKING:
    from torch import Tensor

    from akidlab.kids.kid import Kid
    from akidlab.kids.pictures import Pictures
    from akidlab.probes import Probe
    from akidlab.watching import Watch, WatchOptions


def options_of(given: WatchOptions | Mapping[str, Any] | None) -> WatchOptions | None:
    """What to watch, of its options; None for nothing.

    Raises:
        TypeError: if there is no such option.
        UnknownNameError: if there is no such topic.
        ValueError: if a number makes no sense.
    """
    if not isinstance(given, Mapping):
        return given
    from akidlab.watching import WatchOptions

    return WatchOptions(**given)


@contextmanager
def watched(kid: Kid) -> Iterator[None]:
    """Within this `with`, which the thread that trains enters, the kid is watched as it was told."""
    try:
        renew(kid)
        kid.taking = _pictures(kid)
    except Exception as error:  # the run has begun, and its end would not be told
        Report(kid).failure(error)
        raise
    try:
        yield
        if kid.watch_on is not None and kid.engine.rank == 0 and not kid.moved:
            kid.watch_on.conclude()
        if kid.taking is not None and not kid.moved:
            kid.taking.look(last=True)
    finally:
        kid.taking = None
        drop(kid)


def renew(kid: Kid) -> None:
    """Put the watch on anew: there is another brain, another optimiser, or another wish."""
    drop(kid)
    if kid.watching is not None:
        kid.watch_on = _watch(kid, kid.watching)


def drop(kid: Kid) -> None:
    """Take the watch off."""
    on, kid.watch_on = kid.watch_on, None
    if on is not None:
        on.close()


def agree(kid: Kid) -> None:
    """Look at the same steps on every rank; all call it at the same step."""
    on = kid.watch_on
    if on is not None and on.options.budget is not None and kid.engine.size > 1:
        wish = on.exporter.every if on.governor is None else on.governor.wish
        on.exporter.every = kid.engine.broadcast(wish)


def _pictures(kid: Kid) -> Pictures | None:
    """Who takes pictures of it: the first rank alone, where somebody wants them."""
    if not kid.pictures or kid.engine.rank != 0 or not any(map(kid.bus.wanted, PICTURES)):
        return None
    from akidlab.kids.pictures import Pictures

    return Pictures(kid)


def _watch(kid: Kid, options: WatchOptions) -> Watch:
    from akidlab.watching.watch import Watch

    if kid.compile and {"activations", "layer_gradients"} & set(options.kinds):
        text = (
            "Of a compiled brain, parameters, their gradients and updates are watched, not what passes "
            "through it. Practise with `compile=False` to see activations and layer gradients, too."
        )
        kid.bus.publish(Message("log", Log(text, "warning"), step=kid.step))
    return Watch(
        kid.brain,
        kid.optimizer,
        options,
        kid.bus,
        clock=lambda: _moment(kid),
        compiled=bool(kid.compile),
        more={"data": validation_batch(kid)} if options.metrics else {},
        ranks=kid.engine.size,
        rank=kid.engine.rank,
    )


def _moment(kid: Kid) -> tuple[int, int, int]:
    """The step in the making, the epochs behind it, and the step within its epoch."""
    a_step = kid.accumulate / kid.batches_per_epoch
    return kid.step + 1, kid.epoch, int(kid.step - kid.epoch / a_step) + 1


def validation_batch(kid: Kid) -> list[Tensor] | None:
    """A few samples to measure on: the first validation batch, None if there is none.

    What is drawn for it, by a joker or a source, is drawn from nobody.
    """
    random = Randomness.capture(kid.device)
    try:
        return next(iter(kid.sensor.validation_batches()), None)
    except (AkidlabError, ValueError):  # a sensor need not have any
        return None
    finally:
        random.restore(kid.device)


def probe(kid: Kid, kind: str, options: dict[str, Any]) -> Probe:
    """Measure the brain as it is now, in a process of its own."""
    from akidlab.probes import probe

    if "data" not in options and kind != "spectral_norm":
        options["data"] = validation_batch(kid)
    return probe(kid.brain, kind, bus=kid.bus, step=kid.step, epoch=kid.epoch, **options)
