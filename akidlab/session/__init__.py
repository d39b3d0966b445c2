"""The session: what one kernel holds. Importing it loads neither torch nor a widget."""

from akidlab.session.ask import ask
from akidlab.session.attach import attach
from akidlab.session.attached import Attached
from akidlab.session.dispatching import Cargo
from akidlab.session.plain import watch
from akidlab.session.plan import Plan
from akidlab.session.session import Session

__all__ = ["Attached", "Cargo", "Plan", "Session", "ask", "attach", "watch"]
