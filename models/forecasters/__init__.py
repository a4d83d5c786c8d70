"""Forecasters: what predicts the next readings of a series, as a distribution."""

from models.forecasters.forecaster import Forecaster, Moment
from models.forecasters.spec import BASELINES, Kind, Spec, build

__all__ = ["BASELINES", "Forecaster", "Kind", "Moment", "Spec", "build"]
