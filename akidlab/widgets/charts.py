"""Which charts a run has, and how many of them fit into a figure of a few kilobytes."""

from __future__ import annotations

Charts = dict[str, dict[int, str]]

POINT = 16  # bytes of one point in JSON
FEWEST = 12  # points of a line
LINES = 8  # of a topic
_LINE, _CHART = 170, 620  # bytes of a line and of a chart without points
_BUDGET = 18_000  # bytes of all charts: a figure stays under 20 kB
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


def fitting(known: Charts) -> Charts:
    """The charts that there is room for; those of a topic, which come last, are the first to go.

    Of a topic of many lines it has some, from the first to the last.
    """
    budget, shown = _BUDGET, {}
    for name, tags in known.items():
        tags = _spread(tags) if name.endswith("/") else tags
        budget -= _CHART + len(tags) * (_LINE + FEWEST * POINT)
        if budget < 0 and shown:
            break
        shown[name] = tags
    return shown


def points(shown: Charts) -> int:
    """How many points of each line there is room for."""
    lines = sum(map(len, shown.values()))
    room = _BUDGET - _CHART * len(shown) - _LINE * lines
    return min(800, max(FEWEST, room // POINT // max(1, lines)))


def _spread(lines: dict[int, str]) -> dict[int, str]:
    if len(lines) <= LINES:
        return lines
    chosen = [round(at * (len(lines) - 1) / (LINES - 1)) for at in range(LINES)]
    return {at: lines[place] for at, place in enumerate(chosen)}
