"""Whether a dashboard would be seen."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from akidlab.session.notebook import shell, shows


@pytest.fixture
def terminal():
    """An IPython without a kernel."""
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_in_a_terminal_a_dashboard_is_not_seen(terminal):
    assert shell() is terminal
    assert not shows()


def test_in_a_kernel_it_is_unless_it_was_not_asked_for(terminal, monkeypatch):
    terminal.kernel = object()

    assert shows()
    assert not shows(dashboard=False)
    monkeypatch.setenv("AKIDLAB_QUIET", "1")
    assert not shows()
