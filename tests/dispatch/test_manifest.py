"""Manifests: accepted by the operators' schemas, complete, and their command really trains."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import jsonschema
import pytest
import yaml
from hypothesis import given

from akidlab.cli import main
from akidlab.dispatch.manifest import ClusterJob, mpijob, slurm, trainjob, write
from akidlab.dispatch.manifest.docker import dockerfile
from akidlab.dispatch.manifest.write import as_yaml
from akidlab.dispatch.program import horovodrun, read_hosts
from akidlab.errors import DispatchError
from akidlab.session.program import Program
from akidlab.store import Store
from tests.dispatch.kubernetes_schemas import BY_KIND
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
NEEDS_HOROVOD = pytest.mark.skipif(
    shutil.which("horovodrun", path=str(Path(sys.executable).parent)) is None,
    reason="Horovod is not installed: run `akidlab install-horovod`",
)
PROGRAM = """\
from akidlab import DigitsSource, FeedSensor, Kid, MomentumKongFu
from akidlab.models.brains import OneLayerBrain

kid = Kid(FeedSensor(DigitsSource(), batch_size=64), OneLayerBrain(), MomentumKongFu(0.1), max_steps=9)
"""
JOBS = {
    "plain": ClusterJob("digits", PROGRAM),
    "GPUs on four nodes": ClusterJob(
        "digits-2",
        PROGRAM,
        ("--steps", "500"),
        ranks=8,
        per_node=2,
        gpus=1,
        namespace="lab",
        interface="eth0",
    ),
    "claims on GlusterFS": ClusterJob("digits", PROGRAM, storage_class="kadalu.replica3", size=5),
    "GlusterFS that every node has mounted": ClusterJob(
        "digits", PROGRAM, data="/mnt/gluster/data", store="/mnt/gluster/runs"
    ),
    "NFS": ClusterJob("digits", PROGRAM, data="nfs://files/data", store="nfs://files/my/runs"),
}


@pytest.mark.parametrize("make", [mpijob, trainjob])
@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())
def test_the_operators_accept_it(make: Any, job: ClusterJob) -> None:
    documents = list(yaml.safe_load_all(as_yaml(make(job))))

    for document in documents:
        jsonschema.Draft202012Validator(BY_KIND[document["kind"]]).validate(document)
    assert documents == make(job)


@pytest.mark.parametrize("schema", BY_KIND.values(), ids=BY_KIND.keys())
def test_the_schemas_are_schemas_and_refuse_what_nobody_knows(schema: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)

    kind = {"apiVersion": schema["properties"]["apiVersion"]["const"], "metadata": {"name": "x"}}
    told = [error.message for error in validator(schema).iter_errors({**kind, "spek": {}})]

    assert any("'spek' was unexpected" in message for message in told)


@pytest.mark.parametrize("make", [mpijob, trainjob])
@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())
def test_every_volume_that_is_mounted_is_there(make: Any, job: ClusterJob) -> None:
    documents = make(job)
    known = {document["metadata"]["name"]: document["kind"] for document in documents}

    for pod in _pods(documents):
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
        assert known[volumes["job"]["configMap"]["name"]] in ("ConfigMap", "MPIJob", "TrainJob")
        if job.storage_class is not None:
            assert known[volumes["store"]["persistentVolumeClaim"]["claimName"]] == "PersistentVolumeClaim"


@pytest.mark.parametrize("make", [mpijob, trainjob])
def test_there_is_a_slot_for_each_rank_and_the_resources_of_a_node_are_those_of_its_ranks(make: Any) -> None:
    job = replace(JOBS["GPUs on four nodes"], cpus=3, memory=5)

    documents = make(job)

    spec = documents[-1]["spec"]
    slots = spec.get("slotsPerWorker") or spec["trainer"]["numProcPerNode"]
    nodes = (
        spec["trainer"]["numNodes"] if "trainer" in spec else spec["mpiReplicaSpecs"]["Worker"]["replicas"]
    )
    assert (slots, nodes) == (2, 4)
    limits = [pod["containers"][0]["resources"]["limits"] for pod in _pods(documents)]
    assert {"cpu": "6", "memory": "10Gi", "nvidia.com/gpu": "2"} in limits
    assert [found for found in limits if "nvidia.com/gpu" not in found] == [{"cpu": "1", "memory": "1Gi"}]


def test_no_secret_and_nothing_of_this_machine_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "do-not-tell")

    texts = [path.read_text() for path in write(JOBS["plain"], tmp_path / "cluster")]

    assert not any("do-not-tell" in text or str(Path.home()) in text or str(ROOT) in text for text in texts)


@given(st.text(max_size=200))
def test_any_program_comes_out_as_it_went_in(text: str) -> None:
    job = ClusterJob("digits", text)

    assert next(yaml.safe_load_all(as_yaml(mpijob(job))))["data"]["train.py"] == text


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"name": "Digits_1"}, "lower-case letters"),
        ({"name": "a" * 51}, "at most 50 long"),
        ({"ranks": 3, "per_node": 2}, "cannot be shared out evenly, 2 to a node"),
        ({"ranks": 0}, "`ranks` is one or more, found 0"),
        ({"gpus": -1}, "`gpus` cannot be negative"),
        ({"image": "a b"}, "`image` is one word, found 'a b'"),
        ({"partition": "gpu\n#SBATCH --uid=0"}, "`partition` is one word"),
        ({"time": "tomorrow"}, "`time` is hours:minutes:seconds"),
        ({"requirements": ("--index-url=x",)}, "A requirement is a package"),
        ({"program": "x" * 1_000_000}, "holds 900000"),
        ({"store": "Not A Claim"}, "is no volume"),
    ],
)
def test_what_makes_no_sense_is_told(told: dict[str, Any], message: str) -> None:
    with pytest.raises(DispatchError, match=message):
        mpijob(ClusterJob(**{"name": "digits", "program": PROGRAM, **told}))


# ------------------------------------------------------------------------------------- what the pods run


@NEEDS_HOROVOD
def test_the_command_of_the_launcher_goes_on_with_a_run_on_two_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ClusterJob("digits", PROGRAM, ranks=2, per_node=2)
    assert _command(mpijob(job)) == _command(trainjob(job)) == trainjob(job)[-1]["spec"]["trainer"]["command"]
    command = _here(_command(mpijob(job)), tmp_path, hosts="localhost slots=2\n")
    monkeypatch.setenv("AKID_RUNS", str(tmp_path / "runs"))
    Program(tmp_path / "train.py", name="digits", steps=4).train()

    output = _run(command, tmp_path)

    run = Store().run("digits")
    assert "`digits` finished: 9 steps" in output
    assert (run.status, run.step, run.world_size) == ("finished", 9, 2)
    assert list(run.scalars("loss").steps) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_the_hosts_are_those_of_the_file_and_what_may_be_secret_stays_here(tmp_path: Path) -> None:
    hosts = tmp_path / "hostfile"
    hosts.write_text("digits-worker-0.digits.lab.svc slots=2\ndigits-worker-1.digits.lab.svc slots=2\n\n")

    command = horovodrun(4, ["train"], hostfile=hosts, interface="eth0")

    assert command[command.index("-H") + 1] == (
        "digits-worker-0.digits.lab.svc:2,digits-worker-1.digits.lab.svc:2"
    )
    assert command[command.index("--network-interfaces") + 1] == "eth0"
    with pytest.raises(DispatchError, match="have 4 slots, too few for -np 5"):
        horovodrun(5, ["train"], hostfile=hosts)


def test_a_file_of_hosts_is_for_horovod_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(
        ["run", "train.py", "-np", "2", "--launcher", "torch", "--hostfile", str(tmp_path / "hosts")]
    )

    assert status == 1
    assert "is for `--launcher horovod`, not for `torch`: name them with `-H`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"), [("one two three\n", "lines like `node-0 slots=2`"), (None, "cannot be read")]
)
def test_a_file_without_hosts_is_told(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "hosts").write_text(text)

    with pytest.raises(DispatchError, match=message):
        read_hosts(tmp_path / "hosts")


def test_a_rank_that_fails_fails_the_job_with_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import os\nassert os.environ['RANK'] != '1', 'ouch'\n" + PROGRAM)
    command = [sys.executable, "-m", "akidlab.cli", "run", "train.py", "-np", "2", "--launcher", "torch"]

    done = _ran(command, tmp_path)

    assert done.returncode != 0
    assert re.search(r"^\[1\]<stderr>:.*AssertionError: ouch$", done.stdout + done.stderr, re.MULTILINE)


# -------------------------------------------------------------------------------------------------- Slurm

SRUN = """\
#!{python}
# Stands for Slurm's srun: starts the tasks of this node with the variables that Slurm sets.
import os, subprocess, sys

words = sys.argv[1:]
while words[0].startswith("-"):
    words.pop(0)
tasks = int(os.environ["TEST_TASKS"])
step = {{"SLURM_STEP_NUM_TASKS": str(tasks), "SLURM_STEP_TASKS_PER_NODE": str(tasks), "SLURM_NODEID": "0"}}
mine = [{{**os.environ, **step, "SLURM_PROCID": str(n), "SLURM_LOCALID": str(n)}} for n in range(tasks)]
ranks = [subprocess.Popen(words, env=environment) for environment in mine]
sys.exit(max(rank.wait() for rank in ranks))
"""


def test_the_script_is_one_of_bash_and_asks_slurm_for_what_the_job_needs(tmp_path: Path) -> None:
    job = replace(JOBS["GPUs on four nodes"], partition="gpu", time="12:00:00", venv="/shared/my venv")
    path = tmp_path / "job.slurm"
    path.write_text(slurm(job))

    subprocess.run(["bash", "-n", str(path)], check=True)

    asked = re.findall(r"^#SBATCH --(\S+)$", path.read_text(), re.MULTILINE)
    assert asked[:6] == [
        *("job-name=digits-2", "nodes=4", "ntasks=8", "ntasks-per-node=2", "cpus-per-task=2", "mem=8G")
    ]
    assert {"gpus-per-task=1", "partition=gpu", "time=12:00:00", "requeue"} <= set(asked)
    assert ". '/shared/my venv/bin/activate'" in path.read_text().splitlines()


@pytest.mark.parametrize("launcher", [pytest.param("horovod", marks=NEEDS_HOROVOD), "torch"])
def test_what_srun_starts_trains_on_two_ranks_without_ssh(launcher: str, tmp_path: Path) -> None:
    options = ("--lr", "0.05", "--launcher", launcher)
    write(ClusterJob("digits", PROGRAM, options, ranks=2, per_node=2), tmp_path / "job.slurm")
    _stub(tmp_path / "bin/srun", SRUN.format(python=sys.executable))
    _stub(tmp_path / "bin/scontrol", "#!/bin/sh\necho localhost\necho other\n")
    _stub(tmp_path / "bin/akidlab", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m akidlab.cli "$@"\n')
    said = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_JOB_NODELIST": "node[0-1]", "SLURM_CPUS_PER_TASK": "1"}
    batch = {**said, "SLURM_SUBMIT_DIR": str(tmp_path), "SLURM_PROCID": "0", "TEST_TASKS": "2"}

    output = _run(["bash", "job.slurm"], tmp_path, **batch, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    run = Store(tmp_path / "runs").run("digits")
    assert "`digits` finished: 9 steps" in output
    assert (run.status, run.step, run.world_size) == ("finished", 9, 2)
    assert run.scalars("learning_rate").values[0] == 0.05


# ------------------------------------------------------------------------------------------- the image


def test_the_dockerfile_copies_what_pip_needs_to_install_akidlab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hatchling.build import build_editable

    for line in re.findall(r"^COPY (.*)$", dockerfile(JOBS["plain"]), re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            place = tmp_path / target.lstrip("/")
            _copy(ROOT / source, place if len(sources) == 1 else place / source)

    monkeypatch.chdir(tmp_path / "opt/akidlab")
    wheel = build_editable(str(tmp_path))

    assert wheel.startswith("akidlab-")


def test_an_image_for_gpus_names_the_cards_since_none_is_seen_while_it_is_built() -> None:
    text = dockerfile(JOBS["GPUs on four nodes"])

    assert "ARG BASE=nvidia/cuda:" in text
    assert re.search(r"HOROVOD_BUILD_CUDA_CC_LIST=[\d,]+ .* install-horovod --nccl on", text)


def test_every_instruction_of_the_dockerfile_is_one_and_nothing_of_the_user_is_read_by_a_shell() -> None:
    text = dockerfile(replace(JOBS["plain"], requirements=("einops==0.8.1", "x; rm -rf /")))
    instructions = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).split("\n")

    known = {"ARG", "FROM", "ENV", "RUN", "COPY", "USER", "WORKDIR"}
    assert {line.split()[0] for line in instructions if line.strip()} == known
    mine = next(line for line in instructions if "einops" in line)
    assert json.loads(mine.removeprefix("RUN "))[-2:] == ["einops==0.8.1", "x; rm -rf /"]
    for script in (line.removeprefix("RUN ") for line in instructions if re.match(r"RUN [^\[]", line)):
        subprocess.run(["bash", "-n", "-c", script], check=True)


# ------------------------------------------------------------------------------------ the command line


def test_the_command_writes_everything_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("My_net.py").write_text(PROGRAM)

    status = main(
        ["manifest", "My_net.py", "-np", "4", "--per-node", "2", "--epochs", "3", "--require", "einops"]
    )

    out = capsys.readouterr().out
    assert status == 0
    assert out.splitlines()[:5] == [
        *("cluster/train.py", "cluster/Dockerfile", "cluster/mpijob.yaml", "cluster/trainjob.yaml"),
        "cluster/job.slurm",
    ]
    assert "kubectl apply -f cluster/mpijob.yaml" in out
    assert Path("cluster/train.py").read_text() == PROGRAM
    assert (
        Path("cluster/job.slurm").read_text().splitlines()[-1].endswith("--name my-net --resume --epochs 3.0")
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.py", None, "cannot be read: No such file"),
        ("bad.py", "kid = = 1", "is not Python"),
        ("book.ipynb", "{}", "%%akid_train -np 2 --manifest"),
    ],
)
def test_a_file_that_is_no_program_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)

    status = main(["manifest", str(tmp_path / name), "-o", str(tmp_path / "cluster")])

    assert status == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "cluster").exists()


def test_a_target_of_another_kind_is_told(tmp_path: Path) -> None:
    with pytest.raises(DispatchError, match=r"to a file \*.yaml or \*.slurm"):
        write(JOBS["plain"], tmp_path / "job.json")


# ------------------------------------------------------------------------------------------------------


def _pods(documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every specification of a pod that is somewhere in `documents`."""
    waiting: list[Any] = list(documents)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "containers" in value:
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _command(documents: list[dict[str, Any]]) -> list[str]:
    commands = [pod["containers"][0]["command"] for pod in _pods(documents)]
    return next(command for command in commands if command[0] == "akidlab")


def _here(command: list[str], folder: Path, hosts: str) -> list[str]:
    """A pod's command, with the files of this machine in the place of those of the pod."""
    (folder / "train.py").write_text(PROGRAM)
    (folder / "hostfile").write_text(hosts)
    places = {"/akid/job/train.py": "train.py", "/etc/mpi/hostfile": "hostfile"}
    assert places.keys() <= set(command)
    words = [places.get(word, word) for word in command[1:]]
    return [sys.executable, "-m", "akidlab.cli", *words]


def _run(command: list[str], folder: Path, **said: str) -> str:
    done = _ran(command, folder, **said)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _ran(command: list[str], folder: Path, **said: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AKID_RUNS": str(folder / "runs"), "OMP_NUM_THREADS": "1", **said}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=2 * PATIENCE
    )


def _stub(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "static"))
    else:
        shutil.copy(source, target)
