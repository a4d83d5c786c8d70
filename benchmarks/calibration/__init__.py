"""Fleets of synthetic residuals, judged by the very calibration that runs live."""
