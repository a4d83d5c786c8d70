"""How the gradient of a plain network grows with the lag: by slope times spectral radius."""

import math

import pytest

from docs.gradients.slopes import FIRST, LAST, Case, follow


def factor(case: Case) -> tuple[float, float]:
    """What is measured, and slope times radius."""
    slope, norms = follow(case, seed=0)
    return math.exp(math.log(float(norms[LAST] / norms[FIRST])) / (LAST - FIRST)), slope * case.radius


@pytest.mark.parametrize(
    "case", [Case("tanh", 0.9), Case("sigmoid", 1.5), Case("tanh", 1.5, 3.0), Case("relu", 2.0)], ids=lambda c: c.name
)
def test_the_factor_a_step_is_slope_times_radius(case: Case) -> None:
    measured, product = factor(case)

    assert measured == pytest.approx(product, rel=0.12)


def test_equal_products_of_unlike_radii_fade_alike() -> None:
    gentle, steep = factor(Case("tanh", 0.9)), factor(Case("sigmoid", 3.6))

    assert gentle == pytest.approx(steep, rel=0.01)


def test_one_radius_fades_or_explodes_by_its_slope() -> None:
    fading, exploding = factor(Case("sigmoid", 2.0)), factor(Case("relu", 2.0))

    assert fading[0] < 0.6
    assert exploding[0] > 1.2
