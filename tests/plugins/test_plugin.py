"""A stranger's package of metrics is installed, and there by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from akidlab import metrics
from akidlab.errors import MetricError, UnknownNameError
from akidlab.exporter import Exporter
from akidlab.messages import Bus, CallbackSubscriber, Message
from akidlab.metrics.making import GROUP

PACKAGE = Path(__file__).parent / "akidlab-peaks"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it, as pip installs it."""
    folder = tmp_path_factory.mktemp("site")
    source = shutil.copytree(PACKAGE, tmp_path_factory.mktemp("source") / "akidlab-peaks")
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--target", str(folder)]
    command = [sys.executable, "-m", "pip", "install", *options, str(source)]
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run(command, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def _installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(site)
    yield
    sys.modules.pop("akidlab_peaks", None)


@pytest.mark.usefixtures("_installed")
def test_it_is_among_the_names_with_what_it_publishes():
    assert "peak" in metrics.names()
    assert metrics.describe()["peak"].startswith("Publishes how far the greatest element stands out")


@pytest.mark.usefixtures("_installed")
def test_it_is_made_by_name_with_its_options_and_works():
    bus, heard = Bus(), list[Message]()
    net = nn.Sequential(nn.Linear(4, 2))
    made = metrics.make("peak:weights?power=2", bus)
    bus.subscribe(CallbackSubscriber(heard.append, topics=made.topics_published))
    with Exporter(message_bus=bus) as exporter:
        exporter.add_modules(net)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        before = net[0].weight.detach() ** 2
        net(torch.ones(3, 4)).sum().backward()
        optimizer.step()

    assert [(message.topic, message.key, message.step) for message in heard] == [
        ("weights_peak", "linear0", 1)
    ]
    assert heard[0].data.values == pytest.approx([float(before.max() / before.mean())])


def test_a_fresh_process_finds_it_too(site: Path):
    code = "from akidlab import metrics; assert 'peak' in metrics.names(), metrics.names()"
    found = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}

    done = subprocess.run([sys.executable, "-c", code], env=found, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_without_the_package_there_is_no_such_metric():
    with pytest.raises(UnknownNameError, match="no metric `peak`"):
        metrics.make("peak", Bus())


def test_a_package_that_offers_no_class_of_metrics_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    info = tmp_path / "odd-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nodd = math:sqrt\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(MetricError, match=r"plug-in `odd` of `akidlab\.metrics` is .*, not a class such as"):
        metrics.make("odd", Bus())
    assert metrics.describe()["odd"].startswith("Cannot be loaded: The plug-in `odd`")
