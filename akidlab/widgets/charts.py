"""Which charts a run has, and how many of them fit into a figure of a few kilobytes."""

from __future__ import annotations

Charts = dict[str, dict[int, str]]

_POINT = 16  # bytes of one point in JSON
_FEWEST = 12, 60  # points of a line among many, and of one that has a chart of its own
_LINE, _CHART = 170, 620  # bytes of a line and of a chart without points
KEPT, EXPLORED = 18_000, 240_000  # bytes of all charts of a figure that is saved, and of one that is not
_ROOM = 2_200  # bytes of a budget for which a topic may have a line
_SKIPPED = ("loss", "learning_rate")
_NO_CHART = ("samples_per_second", "observation_share", "observation_every")


def charts(tags: list[str]) -> Charts:
    """The charts that a dashboard has for these tags: loss, each evaluation, learning rate, each topic.

    Of each the tags that it shows, by the place of their colours: of a quantity that has a chart of its own
    0 is training and 1 validation; of a topic they are the lines in their order.

    Example:
        >>> charts(["validation_loss", "loss", "norm/conv1", "norm/conv2"])
        {'loss': {0: 'loss', 1: 'validation_loss'}, 'norm/': {0: 'norm/conv1', 1: 'norm/conv2'}}
    """
    groups: Charts = {}
    for tag in tags:
        topic, slash, _ = tag.partition("/")
        if slash:
            lines = groups.setdefault(f"{topic}/", {})
            lines[len(lines)] = tag
    own = [tag for tag in tags if "/" not in tag and tag not in _NO_CHART]
    bare = list(dict.fromkeys(tag.removeprefix("validation_") for tag in own))
    middle = [name for name in bare if name not in _SKIPPED]
    names = [name for name in ("loss", *middle, "learning_rate") if name in bare]
    pairs = {name: dict(enumerate((name, f"validation_{name}"))) for name in names}
    return {
        name: {at: tag for at, tag in pair.items() if tag in own} for name, pair in pairs.items()
    } | groups


def fitting(known: Charts, budget: int = KEPT) -> Charts:
    """The charts that there is room for; those of a topic, which come last, are the first to go.

    Of a topic of many lines it has some, from the first to the last.
    """
    most, shown = budget // _ROOM, {}
    for name, tags in known.items():
        tags = _spread(tags, most) if name.endswith("/") else tags
        budget -= _cost(name, tags)
        if budget < 0 and shown:
            break
        shown[name] = tags
    return shown


def points(shown: Charts, budget: int = KEPT) -> dict[str, int]:
    """How many points a line of each chart has."""
    room = budget - sum(_cost(name, tags) for name, tags in shown.items())
    each = max(0, int(room / _POINT / max(1, sum(map(len, shown.values())))))
    return {name: min(800, _fewest(name) + each) for name in shown}


def _cost(name: str, tags: dict[int, str]) -> int:
    return _CHART + len(tags) * (_LINE + _fewest(name) * _POINT)


def _fewest(name: str) -> int:
    return _FEWEST[not name.endswith("/")]


def _spread(lines: dict[int, str], most: int) -> dict[int, str]:
    if len(lines) <= most:
        return lines
    chosen = [round(at * (len(lines) - 1) / (most - 1)) for at in range(most)]
    return {at: lines[place] for at, place in enumerate(chosen)}
