"""Novelty: how unlike its own normal a series is now, from 0 to 1, for ranking."""

from models.novelty.blend import Novelty, Part
from models.novelty.glance import Glance, Noticed

__all__ = ["Glance", "Noticed", "Novelty", "Part"]
