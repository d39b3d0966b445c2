"""Sensors: hand the samples of a source to a brain, batch by batch."""

from akidlab.sensors.feed import FeedSensor
from akidlab.sensors.sensor import Sensor

IntegratedSensor = FeedSensor  # akid's name of the sensor that takes jokers: here all do

__all__ = ["FeedSensor", "IntegratedSensor", "Sensor"]
