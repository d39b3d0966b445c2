"""A Branch: where one run leaves another."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akidlab import checkpoints
from akidlab.kids import moment

if TYPE_CHECKING:
    from akidlab.kids.kid import Kid
    from akidlab.kids.moment import Moment
    from akidlab.store import Run


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a run leaves another.

    Args:
        uid: of the run that it leaves, its parent.
        name: of that run.
        step: the step at which.
    """

    uid: str
    name: str
    step: int

    @classmethod
    def of(cls, then: Moment) -> Branch:
        """The branch that begins at `then`, whose checkpoint is kept from now on."""
        with contextlib.suppress(OSError):  # a store that may only be read
            checkpoints.pin(then.path.parent, then.step)
        return cls(then.run.uid, then.run.name, then.step)

    def child(self, name: str = "kid") -> str:
        """What the run is called that begins here.

        Args:
            name: that of the kid: it counts unless it is that of the parent, or nobody gave it one.

        Example:
            >>> branch = Branch("uid", "digits-2", 100)
            >>> branch.child("digits"), branch.child("slower")
            ('digits-2-from-100', 'slower')
        """
        is_same = name == self.name or self.name.startswith(f"{name}-")
        return f"{self.name}-from-{self.step}" if is_same or name == "kid" else name

    @property
    def facts(self) -> dict[str, object]:
        """What the event `branched` tells."""
        return {"parent": self.uid, "name": self.name, "step": self.step}


def branch(run: Run, step: int, like: Kid | None = None, name: str | None = None) -> Kid:
    """A kid that goes on from a checkpoint of `run`; what it practises is a child of that run.

    Args:
        run: which.
        step: the checkpoint nearest before it is taken.
        like: a kid such as the run was made with.
        name: what the new run is called.

    Raises:
        CheckpointError: if there is no checkpoint so early, or it is of another brain.
    """
    then = moment.at(run, step, like)
    kid = then.kid
    kid.branched = Branch.of(then)
    kid.name = name or kid.branched.child()
    return kid
