"""What `akidlab scaling` stands on, measured on this machine: `python -m tests.benchmarks.scaling`.

Prints the table of akidlab/dispatch/measured.py. Steps are those of a Kid on a warm pool, one thread to a
rank, from the times in its run; allreduces are those of the engine. One rank is measured while a second pool
does the same work beside it: two ranks of one machine share its memory and caches, with a network or without.
A twentieth of the steps is quicker than what is told here: the machine may be busy with other things, too.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rich.console import Console

    from akidlab.dispatch import Job, Pool

BATCH, STEPS = 64, 200
SIZES = (4_000, 40_000, 400_000, 4_000_000, 24_000_000)
MODELS = {
    "LeNet": "from akidlab.models.brains import LeNet\nbrain, shape = LeNet(), (1, 28, 28)",
    "MLP 784-2048-2048-10": """
from akidlab import Brain, InnerProductLayer, ReLULayer, SoftmaxWithLossLayer

brain, shape = Brain(name="mlp"), (784,)
for number, width in enumerate((2048, 2048), start=1):
    brain.attach(InnerProductLayer(out_channel_num=width, name=f"ip{number}"))
    brain.attach(ReLULayer(name=f"relu{number}"))
brain.attach(InnerProductLayer(out_channel_num=10, name="ip3"))
brain.attach(SoftmaxWithLossLayer(
    class_num=10, name="loss", inputs=[{"name": "ip3"}, {"name": "system_in", "idxs": [1]}]
))""",
}
KID = """
import numpy as np
from akidlab import ArraySource, FeedSensor, Kid, MomentumKongFu

random = np.random.RandomState(0)
data = random.rand(1024, *shape).astype("float32"), random.randint(0, 10, 1024)
kid = Kid(
    FeedSensor(ArraySource(data, data), batch_size={batch}), brain, MomentumKongFu(0.01), max_steps={steps},
    skip_validation=True, val_log_step=10**9, train_log_step=10**9, save_chk_point=False,
)
"""
PARAMETERS = "kid.setup()\nprint('size', 4 * sum(part.numel() for part in kid.brain.parameters()))"
ALLREDUCE = f"""
import json, time, torch
from akidlab import engines

engine, found = engines.get("horovod"), {{}}
rest = torch.zeros(16_000_000)  # as large as what a step reads in between: nothing is in the cache any more
for size in {SIZES}:
    parts, seconds = [torch.zeros(size // 32) for _ in range(8)], []
    for _ in range(200):
        rest.add_(1)
        engine.barrier()
        began = time.perf_counter()
        engine.average(parts, torch.zeros(()), False)
        seconds.append(time.perf_counter() - began)
    found[size] = sorted(seconds)[len(seconds) // 20]
print("times", json.dumps(found))
"""


def steps(pool: Pool, folder: Path, model: str, batch: int, beside: Pool | None = None) -> list[float]:
    """The seconds of each step of a run, while `beside` does the same for as long."""
    from akidlab.store import Store

    source = MODELS[model] + KID.format(batch=batch, steps=STEPS)
    other = _submit(beside, folder, MODELS[model] + KID.format(batch=batch, steps=10**6)) if beside else None
    job = _submit(pool, folder, source)
    job.wait(300)
    if other is not None:
        other.interrupt()
        other.wait(60)
    return list(np.diff(Store(folder / "akid_runs").run(job.uid).scalars("loss").times[5:]))


def say(pool: Pool, folder: Path, source: str, needs_kid: bool = False) -> str:
    """What rank 0 prints last."""
    said: list[str] = []
    _submit(pool, folder, source, needs_kid).wait(
        300, on_output=lambda rank, stream, text: said.append(text) if rank == 0 else None
    )
    return "".join(said).strip().splitlines()[-1].split(maxsplit=1)[1]


def measure(rounds: int = 2) -> tuple[dict[str, tuple[int, dict[int, float], float]], dict[int, float]]:
    """For each model its bytes, the steps of one rank by batch, and the step of two; and the allreduces."""
    from akidlab.dispatch import Pool

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(AKIDLAB_RUNTIME=str(folder / "runtime"), OMP_NUM_THREADS="1")
        (folder / "beside").mkdir()
        found = {}
        with (
            Pool.start(1, project=folder) as one,
            Pool.start(1, project=folder / "beside") as beside,
            Pool.start(2, project=folder) as two,
        ):
            for model, source in MODELS.items():
                kid = source + KID.format(batch=BATCH, steps=1)
                size = int(say(one, folder, kid + PARAMETERS, needs_kid=True))
                whole, half, both = [], [], []
                for _ in range(rounds):
                    whole += steps(one, folder, model, BATCH, beside)
                    half += steps(one, folder, model, BATCH // 2, beside)
                    both += steps(two, folder, model, BATCH)
                alone = {BATCH: _calm(whole), BATCH // 2: _calm(half)}
                found[model] = (size, alone, _calm(both))
            times = json.loads(say(two, folder, ALLREDUCE))
        return found, {int(size): seconds for size, seconds in times.items()}


def report(console: Console, quick: bool = False) -> bool:
    """Measure, print the table, and compare the simulator with the two ranks; it promises nothing."""
    from akidlab.dispatch.scaling import Work, fitted, predict

    if importlib.util.find_spec("horovod") is None:
        console.print("Horovod is not installed here; run `akidlab install-horovod`.")
        return True
    models, times = measure(1 if quick else 2)
    network = fitted(times, ranks=2)
    console.print(
        f"ALLREDUCE = {{{', '.join(f'{size:_}: {seconds:.6f}' for size, seconds in times.items())}}}"
    )
    console.print(network)
    for model, (size, steps, both) in models.items():
        told = predict(Work.measured(size, steps), network, 2)
        rounded = {batch: round(seconds, 5) for batch, seconds in steps.items()}
        console.print(f'"{model}": Measured({size:_}, {rounded}, two={both:.5f}),')
        console.print(f"    predicted {told.seconds:.5f}, waiting {told.waiting:.5f}")
    return True


def _calm(seconds: list[float]) -> float:
    return float(np.percentile(seconds, 5))


def _submit(pool: Pool, folder: Path, source: str, needs_kid: bool = True) -> Job:
    import cloudpickle

    from akidlab.dispatch import Task
    from akidlab.worker import Assignment

    payload = cloudpickle.dumps(Assignment(source, needs_kid=needs_kid))
    return pool.submit(Task("scaling", str(folder / "akid_runs"), payload))


def main() -> int:
    """Measure and print."""
    from rich.console import Console

    return 0 if report(Console(soft_wrap=True, highlight=False), "--quick" in sys.argv) else 1


if __name__ == "__main__":
    sys.exit(main())
