"""The demo: the whole pipeline on data that is at hand, with no service."""

from streamer.demo.run import Demo

__all__ = ["Demo"]
