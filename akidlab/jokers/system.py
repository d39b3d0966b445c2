"""JokerSystem: jokers that play one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from akidlab.errors import DataError
from akidlab.jokers.joker import Joker

if TYPE_CHECKING:
    from torch import Tensor
    from typing_extensions import Self

    from akidlab.jokers.draw import Draw


class JokerSystem(Joker):
    """Jokers that play one after another; a system may hold systems.

    Args:
        jokers: who plays, in this order.
        name: what to call it.

    Raises:
        DataError: if one of them is not a joker.

    Example:
        >>> from akidlab import CropJoker, FlipJoker
        >>> JokerSystem([CropJoker(28, padding=2), FlipJoker()])
        JokerSystem(CropJoker(28x28, padding 2), FlipJoker(left-right, p 0.5))
    """

    NAME = "jokers"

    def __init__(self, jokers: Sequence[Joker] = (), *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.jokers: list[Joker] = []
        for joker in jokers:
            self.attach(joker)

    def attach(self, joker: Joker) -> Self:
        """Let `joker` play after those that are there; gives the system.

        Raises:
            DataError: if it is not a joker.
        """
        if not isinstance(joker, Joker):
            raise DataError(
                f"Only a joker can be attached, found {type(joker).__name__}. Derive yours from `Joker`; an "
                f"augmentation of kornia becomes one by `KorniaJoker(augmentation)`."
            )
        self.jokers.append(joker)
        return self

    def forward(self, images: Tensor, draw: Draw) -> Tensor:
        """`images`, changed by one after another; a joker that changes other tensors, too, needs `play`."""
        for number, joker in enumerate(self.jokers):
            images = joker(images, draw.of(number))
        return images

    def play(self, batch: Sequence[Tensor], draw: Draw) -> list[Tensor]:
        changed = list(batch)
        for number, joker in enumerate(self.jokers):
            changed = joker.play(changed, draw.of(number))
        return changed

    @property
    def is_thread_safe(self) -> bool:
        """True if all of them may play in another thread."""
        return all(
            joker.is_thread_safe if isinstance(joker, JokerSystem) else joker.THREAD_SAFE for joker in self
        )

    def __iter__(self) -> Iterator[Joker]:
        return iter(self.jokers)

    def __len__(self) -> int:
        return len(self.jokers)

    def __getitem__(self, number: int) -> Joker:
        return self.jokers[number]

    def _told(self) -> str:
        return ", ".join(map(repr, self.jokers))
