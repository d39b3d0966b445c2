"""Watching: an exporter, bands, metrics, guards and a governor put together around one training."""
