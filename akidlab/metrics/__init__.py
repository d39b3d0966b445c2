"""Metrics: what can be computed of what an exporter publishes; each a function and a subscriber."""
