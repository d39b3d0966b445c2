"""Hosts: what may be written behind `-H`, who sits where, and how a host is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from akidlab.dispatch import HorovodLauncher, host_probe
from akidlab.dispatch.hosts import Hosts, interface_of, is_here, listening_address, own_address
from akidlab.dispatch.torch_launcher import TorchLauncher
from akidlab.errors import DispatchError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:0", "`a` has no slot"),
        ("a:x", "the slots of `a` are a whole number, found `x`"),
        ("a:", "the slots of `a` are a whole number, found ``"),
        ("a:-1", "a whole number, found `-1`"),
        ("a:²", "a whole number, found `²`"),
        ("a:1,b,a:2", "`a` is named twice; add its slots up"),
        ("", "expected hosts such as `a:2,b:2`, found ``"),
        ("a:1,,b:1", "found ``"),
        ("-oProxyCommand=ls:1", "found `-oProxyCommand=ls:1`"),
        ("a;ls:1", "found `a;ls:1`"),
        ("$(ls):1", "found"),
    ],
)
def test_what_is_no_list_of_hosts_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(DispatchError) as caught:
        Hosts.parse(text)

    assert f"`-H {text}`: " in str(caught.value)
    assert message in str(caught.value)


def test_more_ranks_than_slots_are_refused() -> None:
    with pytest.raises(DispatchError, match=r"`-np 5` needs 5 slots, and `-H a:2,b:2` has 4.* `-np 4`"):
        Hosts.parse("a:2,b:2").check(5)


def test_hosts_are_filled_in_their_order() -> None:
    hosts = Hosts.parse("a:2,b:1,c:3")

    assert hosts.place(4) == ["a", "a", "b", "c"]
    assert str(hosts.first(4)) == "a:2,b:1,c:1"
    assert str(hosts.without(["a", "z"])) == "b:1,c:3"
    assert Hosts(**hosts.to_plain()) == hosts


def test_a_host_is_called_without_a_question_and_with_everything_quoted() -> None:
    hosts = Hosts.parse("a", port=2222, identity="/my key")
    command = hosts.command("a", ["python", "-c", "print('hi')"], {"PATH": "/b in"}, "/my folder")

    assert command[0] == "ssh"
    assert {"BatchMode=yes", "ConnectTimeout=6", "ServerAliveInterval=2"} <= set(command)
    assert command[-6:-1] == ["-p", "2222", "-i", "/my key", "a"]
    assert command[-1] == (
        "cd '/my folder' 2>/dev/null; exec env 'PATH=/b in' python -c 'print('\"'\"'hi'\"'\"')'"
    )


def test_a_supervisor_listens_on_loopback_unless_other_hosts_are_named() -> None:
    loopback = interface_of("127.0.0.1")

    assert listening_address(None) == "127.0.0.1"
    assert listening_address(Hosts.parse("localhost:2")) == "127.0.0.1"
    assert listening_address(Hosts.parse("localhost:1,192.0.2.1:1", interface=loopback)) == "127.0.0.1"
    assert (is_here("127.0.0.1"), is_here("192.0.2.1")) == (True, False)
    with pytest.raises(DispatchError, match=r"no network interface `eth77` with an address. Known: "):
        own_address("192.0.2.1", "eth77")
    with pytest.raises(DispatchError, match=r"There is no way to the host `no.such.host`"):
        own_address("no.such.host")


def test_both_launchers_are_told_the_hosts_and_the_ways() -> None:
    hosts = Hosts.parse(
        "192.0.2.1:2,192.0.2.2:1", port=2222, identity="/key", interface=interface_of("127.0.0.1")
    )
    horovod, torch = HorovodLauncher(), TorchLauncher()
    horovod.hosts = torch.hosts = hosts

    command = horovod.command(3, ["-m", "akidlab.worker"])
    assert command[command.index("-np") :][:10] == [
        *("-np", "3", "-H", "192.0.2.1:2,192.0.2.2:1", "--network-interfaces", hosts.interface),
        *("--ssh-port", "2222", "--ssh-identity-file", "/key"),
    ]
    command = torch.command(3, ["-m", "akidlab.worker"])
    assert command[2:5] == ["akidlab.dispatch.starter", "3", "--hosts"]
    assert '"192.0.2.1": 2' in command[5]
    assert torch.environment(3, {}) == horovod.environment(2, {})  # threads for two on a host


def test_a_file_that_an_editor_holds_locked_does_not_make_the_code_another(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("x = 1\n")
    before = host_probe.code_of(str(tmp_path))
    (tmp_path / ".#train.py").symlink_to("somebody@here.41:1")

    assert host_probe.code_of(str(tmp_path)) == before
