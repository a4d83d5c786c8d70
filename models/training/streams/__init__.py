"""Seeded synthetic streams: all that the shipped weights have ever seen, so no licence and no leak is in the way."""

from models.training.streams.draw import Streams, draw

__all__ = ["Streams", "draw"]
