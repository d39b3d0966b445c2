"""The exporter: publishes what passes through any torch module, and detaches without a trace."""
