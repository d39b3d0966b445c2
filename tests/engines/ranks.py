"""What the ranks of `test_ranks.py` do: practise as a case says, and write down what came out."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

from akidlab import (
    AdamKongFu,
    ArraySource,
    BatchNormalizationLayer,
    Brain,
    ConvolutionLayer,
    DropoutLayer,
    EarlyStoppingEvent,
    FeedSensor,
    InnerProductLayer,
    Kid,
    MomentumKongFu,
    PoolingLayer,
    ReLULayer,
    SoftmaxWithLossLayer,
    engines,
)
from akidlab.errors import DispatchError
from akidlab.kids import checkpoint
from akidlab.messages import CallbackSubscriber, Command

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipped": {"clip_norm": 0.05},
    "accumulated": {"accumulate": 2},
    "adam": {"kongfu": lambda: AdamKongFu(lr=0.01)},
    "decay": {"decay": 1e-2},
    "dropout": {"dropout": 0.5},
    "norm": {"norm": True, "batch_size": 12},  # 1 sample on a rank cannot be normalised
    "edited": {"edited": 8},
    "hundred": {"max_steps": 100, "image": True},
    "again": {"max_steps": 100, "image": True},
}


def make(engine: str, case: str = "plain", **options: Any) -> Kid:
    """A kid on 101 samples: batches of 10 make a last one of 1, which leaves a rank without a sample."""
    options = {
        "max_steps": 25,
        "val_log_step": 10,
        "train_log_step": 5,
        "record": False,
        **CASES[case],
        **options,
    }
    generator = torch.Generator().manual_seed(0)
    shape = (1, 6, 6) if options.pop("image", False) else (6,)
    x, y = torch.randn(101, *shape, generator=generator), torch.randint(0, 3, (101,), generator=generator)
    decay = options.pop("decay", 0.0)
    brain = Brain(name="small")
    if len(shape) > 1:
        brain.attach(
            ConvolutionLayer(ksize=[3, 3], out_channel_num=4), PoolingLayer(ksize=[2, 2], strides=[2, 2])
        )
    brain.attach(InnerProductLayer(out_channel_num=8, wd={"type": "l2", "scale": decay} if decay else None))
    if options.pop("norm", False):
        brain.attach(BatchNormalizationLayer(name="bn"))
    brain.attach(ReLULayer())
    if "dropout" in options:
        brain.attach(DropoutLayer(keep_prob=1 - options.pop("dropout")))
    brain.attach(
        InnerProductLayer(out_channel_num=3, name="last"),
        SoftmaxWithLossLayer(inputs=[{"name": "last"}, {"name": "system_in", "idxs": [1]}]),
    )
    sensor = FeedSensor(
        ArraySource((x, y), (x[:37], y[:37])), batch_size=options.pop("batch_size", 10), val_batch_size=8
    )
    kongfu = options.pop("kongfu", lambda: MomentumKongFu(lr=0.1))()
    edited = options.pop("edited", None)
    kid = Kid(sensor, brain, kongfu, engine, **options)
    if edited is not None:
        kid.hooks.on_batch_end.append(lambda k: k.edit(deepen) if k.step == edited else None)
    return kid


def deepen(brain: Brain) -> None:
    """An edit that keeps some parameters, makes some anew, and adds others."""
    brain.replace("ip1", InnerProductLayer(out_channel_num=12))
    brain.insert_after("relu1", InnerProductLayer(out_channel_num=8, name="mid"), ReLULayer(name="more"))


def outcome(kid: Kid) -> dict[str, Any]:
    """Practise, and tell all that can be compared."""
    losses: dict[int, float] = {}
    events: list[list[Any]] = []
    acts = ("rate", "pause", "resume", "stop")

    def hear(message: Any) -> None:
        if message.topic == "loss":
            losses.update(zip(message.data.steps, message.data.values, strict=True))
        elif message.topic == "event" and message.data.kind in acts:
            events.append([message.data.kind, message.data.data["step"], message.data.data.get("value")])

    kid.bus.subscribe(CallbackSubscriber(hear))
    loss = kid.practice()
    weights = torch.cat([tensor.flatten() for tensor in kid.brain.state_dict().values()])
    return {
        "rank": kid.engine.rank,
        "step": int(kid.clock),
        "loss": loss,
        "evals": kid.evals,
        "losses": list(losses.values()),
        "validations": kid.loss_data_val,
        "weights": weights.tolist(),
        "events": events,
    }


def end(kid: Kid) -> None:
    """What a hook does that has seen enough."""
    raise EarlyStoppingEvent(0.125, {"accuracy": 0.5})


def own_loop(engine: str) -> dict[str, Any]:
    """A loop of one's own around a torch model: each rank has its half of the batch."""
    wrapped = engines.get(engine)
    torch.manual_seed(wrapped.rank)  # the ranks start from rank 0 all the same
    model = torch.nn.Linear(6, 3)
    optimizer = engines.DistributedOptimizer(
        torch.optim.SGD(model.parameters(), lr=0.1), model.named_parameters(), engine=wrapped
    )
    began = model.weight.tolist()
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(10, 6, generator=generator), torch.randint(0, 3, (10,), generator=generator)
    for _ in range(5):
        optimizer.zero_grad()
        half = slice(5 * wrapped.rank, 5 * wrapped.rank + 5)
        torch.nn.functional.cross_entropy(model(x[half]), y[half]).backward()
        optimizer.step()
    try:
        optimizer.step(lambda: 0.0)
        error = ""
    except DispatchError as raised:
        error = str(raised)
    return {"began": began, "ended": model.weight.tolist(), "error": error}


def kinds(engine: str) -> list[list[float]]:
    """Gradients that not everything carries: sparse ones of half the precision; each rank sees one row."""
    wrapped = engines.get(engine)
    torch.manual_seed(wrapped.rank)
    model = torch.nn.Sequential(torch.nn.Embedding(4, 2, sparse=True), torch.nn.Linear(2, 1))
    optimizer = engines.DistributedOptimizer(
        torch.optim.SGD(model.to(torch.bfloat16).parameters(), lr=0.25), engine=wrapped
    )
    rows = torch.tensor([wrapped.rank] if wrapped.size > 1 else [0, 1])
    for _ in range(10):  # by each way there is
        optimizer.zero_grad()
        model(rows).square().mean().backward()
        optimizer.step()
    return [parameter.flatten().tolist() for parameter in model.parameters()]


def main(folder: Path, engine: str) -> None:
    """Every case in one job: starting ranks takes longer than all of them together."""
    torch.set_num_threads(1)
    results: dict[str, Any] = {case: outcome(make(engine, case)) for case in CASES}

    kid = make(engine, max_steps=60)
    rank = kid.engine.rank
    sent = {5: ("rate", 0.05), 20: ("pause", None), 33: ("stop", None)}

    def send(kid: Kid) -> None:
        if kid.step in sent and kid.engine.rank == 0:
            action, value = sent[kid.step]
            kid.controls.send(Command(action, value))
            if action == "pause":
                kid.controls.send(Command("resume"))

    kid.hooks.on_batch_end.append(send)
    results["commands"] = outcome(kid)

    make(engine, "dropout", max_steps=13, log_dir=folder / "resume").practice()
    resumed = make(engine, "dropout", seed=5)
    resumed.restore(folder / "resume")
    results["resumed"] = outcome(resumed)

    local = make(engine, "plain")
    local.practice()
    results["dumped"] = len(checkpoint.dump(local)) if rank == 0 else 0  # not collective

    for when, at in (("on_batch_end", 6), ("on_val_log_step", 8)):
        ended = make(engine, val_log_step=4)
        getattr(ended.hooks, when).append(lambda k, at=at: end(k) if rank == 1 and k.step == at else None)
        results[f"ended {when}"] = outcome(ended)

    recorded = make(engine, record=True, name="recorded")  # by rank 0 alone
    results["recorded"] = outcome(recorded)

    for way in ("shared", engine):
        os.environ["AKIDLAB_REDUCTION"] = way
        kid = make(engine, "hundred")
        results[f"by {way}"] = {**outcome(kid), "path": kid.engine.reduction["path"]}
        results[f"kinds by {way}"] = kinds(engine)
    del os.environ["AKIDLAB_REDUCTION"]

    results["own loop"], results["kinds"] = own_loop(engine), kinds(engine)

    different = make(engine, seed=rank)  # ranks that were made differently still agree
    results["different"] = outcome(different)
    (folder / f"rank-{rank}.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
