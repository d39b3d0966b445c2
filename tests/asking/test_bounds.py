"""A question writes to nothing, runs no code, and takes little time and memory."""

from __future__ import annotations

import contextlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from akidlab.asking import answer, functions, parse
from akidlab.asking.bounds import Bounded
from akidlab.errors import AkidlabError, AskError
from tests.patience import PATIENCE

ESCAPES = [
    "__import__('os').system('true')",
    "open('/etc/passwd').read()",
    "().__class__.__base__.__subclasses__()",
    "weight.__class__.__init__.__globals__",
    "weight.data.fill_(0)",
    "weight.zero_()",
    "weight.grad.zero_()",
    "weight.add_(1)",
    "weight.copy_(weight + 1)",
    "weight.resize_(0)",
    "weight.set_(bias)",
    "weight.requires_grad_(False)",
    "weight.backward()",
    "weight.register_hook(step)",
    "weight.numpy()",
    "weight.data_ptr()",
    "weight.untyped_storage()",
    "weight.std(out=bias)",
    "weight.apply_(step)",
    "weight.map_(weight, step)",
    "weight.to('cuda')",
    "weight.share_memory_()",
    "weight.new_empty(10)",
    "weight.random_()",
    "weight.bernoulli()",
    "brain.train()",
    "brain.zero_grad()",
    "brain.state_dict()",
    "brain.load_state_dict(brain)",
    "brain.training",
    "brain.forward(weight)",
    "brain['_parameters']",
    "brain['__dict__']",
    "getattr(brain, 'weight')",
    "setattr(brain, 'weight', 1)",
    "eval('1')",
    "exec('1')",
    "compile('1', '', 'eval')",
    "globals()",
    "vars(brain)",
    "print(1)",
    "breakpoint()",
    "torch.save(weight, 'x')",
    "step.bit_length()",
    "'{0.__class__}'.format(brain)",
    "f'{brain}'",
    "[x for x in weight]",
    "(x for x in weight)",
    "{x: 1 for x in weight}",
    "{1, 2}",
    "{'a': 1}",
    "lambda: 1",
    "(lambda: 1)()",
    "(y := 1)",
    "await step",
    "yield step",
    "x = 1",
    "del weight",
    "import os",
    "weight; bias",
    "1 if step else 2",
    "max(*[1, 2])",
    "weight.std(**brain)",
    "b'bytes'",
    "1j",
    "weight\n.std()",
    "'\\x00'",
    "step is None",
    "1 in (1, 2)",
    "",
    "   ",
]


class Watched(nn.Linear):
    """Says when anything of it is called or set."""

    def forward(self, *_: object) -> torch.Tensor:
        raise AssertionError("it was called")

    def train(self, mode: bool = True) -> Watched:
        raise AssertionError("it was switched")

    @property
    def secret(self) -> str:
        raise AssertionError("its code was run")


@pytest.mark.parametrize("question", ESCAPES)
def test_no_way_leads_out(question: str) -> None:
    module = Watched(3, 2)
    module.weight.grad = torch.ones(2, 3)
    before = [tensor.clone() for tensor in (module.weight, module.weight.grad)]
    version = module.weight._version

    with pytest.raises(AkidlabError):
        answer(question, module, {"step": lambda: 1})
    assert torch.equal(module.weight, before[0])
    assert torch.equal(module.weight.grad, before[1])
    assert (module.weight.requires_grad, module.training, module.weight._version) == (True, True, version)


def test_a_property_is_never_read() -> None:
    with pytest.raises(AkidlabError, match="There is no"):
        answer("brain.secret", Watched(3, 2))


@pytest.mark.parametrize("extra", ["", "0", "0, 1", "weight", "2, 0", "min=0.5"])
def test_no_method_writes_to_what_learns(extra: str) -> None:
    module = nn.Linear(3, 3)
    module.register_buffer("counts", torch.tensor([1, 2, 3]))
    kept = {name: (tensor.clone(), tensor._version) for name, tensor in module.state_dict().items()}
    for name in sorted(functions.METHODS):
        for subject in ("weight", "counts", "bias[:2]"):
            with contextlib.suppress(AkidlabError):
                answer(f"{subject}.{name}({extra})", module)

    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, kept[name][0])
        assert tensor._version == kept[name][1]


def test_torch_itself_is_asked_whether_it_writes() -> None:
    weight = torch.zeros(3)
    with Bounded() as guard:
        view = guard.protect(weight)[1:]
        mine = view + 1
        mine.add_(1)

        with pytest.raises(AskError, match=r"`aten::add_` writes to what learns; a question only reads"):
            view.add_(1)
        with pytest.raises(AskError, match="writes to what learns"):
            torch.neg(mine, out=view)
    assert weight.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("big[:, None] - big[None]", "too many"),
        ("(big[:, None] > big).sum()", "too many"),
        ("where(big[:, None] > 0, big, 1.0).sum()", "too many"),
        ("big.diag().sum()", "too many"),
        ("big[:, None] @ big[None]", "too many"),
        ("square @ square @ square @ square", "too many"),
        ("norm(square, p='nuc')", "is too much for a question"),
        ("big.view(-1, 1).unique(dim=0).sum()", "is too much for a question"),
        ("big.quantile(big).sum()", "too many|cannot be computed"),
        ("cat([" + "big, " * 139 + "big]).sum()", "too many"),
        ("big", "is larger than 1 MB. Reduce it"),
        ("big[:200000], big[:200000]", "is larger than 1 MB"),
        ("big.tolist()", "is too long"),
        ("9 ** 9 ** 9", "cannot be computed"),
        ("(10.0 ** 300) ** 9", "cannot be computed"),
        ("round(1, -10 ** 9)", None),
        ("diff(big, 1000000000)", "cannot be computed|takes more than|too many|too much"),
        ("histogram(big, 10 ** 9)", "1 to 1000 bins"),
        ("(" * 150 + "1" + ")" * 150, None),
        ("-" * 200 + "1", "too many parts"),
        ("lambda: " + "-" * 900 + "1", "too many parts"),
        ("1" + "+1" * 200, "too many parts"),
        ("1" * 2000, "at most 1,000 are read"),
        ("big.std" + "()" * 5, "cannot be called"),
    ],
)
def test_work_and_size_are_bounded(question: str, text: str | None) -> None:
    module = nn.Module()
    module.register_buffer("big", torch.linspace(-1, 1, 500_000))
    module.register_buffer("square", torch.zeros(2100, 2100))

    if text is None:
        assert answer(question, module, seconds=PATIENCE) in (0, 1)
    else:
        with pytest.raises(AskError, match=text):
            answer(question, module, seconds=PATIENCE)


def test_time_is_looked_at_between_parts() -> None:
    with pytest.raises(AskError, match=r"takes more than 0 s of the training. Take a slice"):
        answer("weight.std()", nn.Linear(2, 2), seconds=0.0)


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="weightbas.()[]{}:,+-*/@<>=!~&|0123456789 '_\\\n\"lambdifro#;", max_size=60))
def test_whatever_is_typed_is_answered_or_refused(text: str) -> None:
    module = nn.Linear(3, 2)
    version = module.weight._version
    with contextlib.suppress(AkidlabError):
        answer(text, module, {"step": lambda: 1}, seconds=PATIENCE)

    assert module.weight._version == version


def test_a_question_is_read_without_being_run() -> None:
    assert parse("weight.std(0) + 1").lineno == 1
    with pytest.raises(AskError, match=r"`import os` is no expression. Ask for one value"):
        parse("import os")
