"""Probes: what takes long to compute, on a snapshot of the weights, in a process of its own."""
