"""Backends: how a Series becomes a picture. Each is a plug-in, and a pure function of what it is given."""
