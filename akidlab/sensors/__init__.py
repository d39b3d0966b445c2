"""Sensors: hand the samples of a source to a brain, batch by batch."""

from akidlab.sensors import samplers
from akidlab.sensors.feed import FeedSensor
from akidlab.sensors.parallel import ParallelSensor
from akidlab.sensors.sensor import Sensor
from akidlab.sensors.simple import SimpleSensor

IntegratedSensor = FeedSensor  # akid's name of the sensor that takes jokers: here all do

__all__ = ["FeedSensor", "IntegratedSensor", "ParallelSensor", "Sensor", "SimpleSensor", "samplers"]
