"""What a guard finds is told once: by the dashboard, or where there is none in the cell."""

from __future__ import annotations

import pytest

from akidlab import runs
from tests.kernels.jupyter import Kernel

SPOILT = """%%akid_train --name {name} {options}
kid = make(max_steps=50)
def spoil(kid):
    if kid.step == 5:
        next(kid.brain.parameters()).data.fill_(float('nan'))
kid.hooks.on_batch_begin.append(spoil)
"""


@pytest.mark.parametrize(("options", "times"), [("", 0), ("--no-dashboard", 1)])
def test_the_text_of_a_guard_stands_in_one_place(kernel: Kernel, options: str, times: int) -> None:
    name = f"guarded{options}-{kernel.id}"
    cell = kernel.run(SPOILT.format(name=name, options=options))
    (finding,) = runs()[name].findings()

    written = [m["content"] for m in cell.of("stream") if m["content"]["name"] == "stderr"]
    assert "".join(piece["text"] for piece in written).count(str(finding.data["text"])) == times
