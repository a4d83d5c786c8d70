"""Calibration: what a surprise means in this group, when a series is no longer itself, and where the lines stand."""
