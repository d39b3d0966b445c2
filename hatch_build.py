"""Puts the built front end into wheels; an editable install leaves that to the Makefile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontEndHook(BuildHookInterface):
    """Builds the front end when a wheel is made and Node is there."""

    PLUGIN_NAME = "front-end"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before the files of the wheel are gathered."""
        bundle = Path(self.root, "akidlab/widgets/static/dashboard.js")
        script = Path(self.root, "extensions/build.py")
        if version == "editable" or bundle.exists() or not script.exists():
            return
        if subprocess.run([sys.executable, str(script), "--find"], stdin=subprocess.DEVNULL).returncode:
            self.app.display_warning("No Node here: this wheel's widgets will have no JavaScript.")
        elif subprocess.run([sys.executable, str(script)], stdin=subprocess.DEVNULL).returncode:
            raise RuntimeError("The front end did not build; see npm's words above.")
