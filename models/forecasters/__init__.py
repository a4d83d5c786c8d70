"""Forecasters: what predicts the next readings of a series, as a distribution."""

from models.forecasters.forecaster import Forecaster, Moment
from models.forecasters.spec import Kind, Spec, build

__all__ = ["Forecaster", "Kind", "Moment", "Spec", "build"]
