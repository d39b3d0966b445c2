"""Sensors: hand the samples of a source to a brain, batch by batch."""

from akidlab.sensors.feed import FeedSensor
from akidlab.sensors.sensor import Sensor

__all__ = ["FeedSensor", "Sensor"]
