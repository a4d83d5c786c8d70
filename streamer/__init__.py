"""The daemon and its command line: wires `connectors` to `models`."""

__version__ = "0.1.0"
