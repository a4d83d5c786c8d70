"""What the tests of the engine's parts have in common."""

from tests.streamer.kept_steps import steps_are_kept

__all__ = ["steps_are_kept"]
