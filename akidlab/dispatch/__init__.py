"""Dispatch: pools of warm ranks, the supervisor that keeps them, and how Horovod gets here."""

from akidlab.dispatch.job import Job
from akidlab.dispatch.launcher import HorovodLauncher, Launcher
from akidlab.dispatch.pool import Pool
from akidlab.dispatch.task import Outcome, Task

__all__ = ["HorovodLauncher", "Job", "Launcher", "Outcome", "Pool", "Task"]
