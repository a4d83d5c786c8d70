"""Novelty as a plain loop over the readings of one series in double precision, to compare with."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

Float64 = NDArray[np.float64]
ORDER, WINDOW, PROTOTYPES, EVERY = 4, 128, 3, 32


def memory_of(places: Float64) -> Float64:
    """The Legendre coefficients after each reading, orthonormal. (T,) -> (T, N)."""
    flow = np.zeros((ORDER + 1, ORDER + 1))
    for i in range(ORDER):
        for j in range(ORDER):
            flow[i, j] = (2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1))
        flow[i, ORDER] = (2 * i + 1) * (-1) ** i
    step = expm(flow / WINDOW)
    coefficients, out = np.zeros(ORDER), []
    for place in places:
        coefficients = step[:ORDER, :ORDER] @ coefficients + step[:ORDER, ORDER] * place
        out.append(coefficients / np.sqrt(2 * np.arange(ORDER) + 1))
    return np.array(out)


def distances(pasts: Float64) -> Float64:
    """To the nearest prototype, before it learns. (T, N) -> (T,)."""
    centres: list[Float64] = []
    out = []
    for t, past in enumerate(pasts):
        away = [float(np.linalg.norm(past - centre)) for centre in centres]
        out.append(min(away, default=0.0))
        if t % EVERY == 0 and len(centres) < PROTOTYPES:
            centres.append(past.copy())
        else:
            nearest = int(np.argmin(away))
            centres[nearest] += (past - centres[nearest]) * min(PROTOTYPES / (t + 1), 0.5)
    return np.array(out)


def quadratic(past: Float64) -> Float64:
    """1, the coefficients of a past, and their products two by two. (N,) -> (1 + N + N (N + 1) / 2,)."""
    past = np.clip(past, -3, 3)
    products = [past[i] * past[j] for i in range(len(past)) for j in range(i, len(past))]
    return np.array([1.0, *past, *products])


def linear(past: Float64) -> Float64:
    """1 and the coefficients of a past. (N,) -> (1 + N,)."""
    return np.array([1.0, *past])


def readout_errors(places: Float64, features: Callable[[Float64], Float64] = quadratic) -> Float64:
    """Of the next place by recursive least squares on the memory of all before, with a plain covariance. (T,)."""
    pasts = np.concatenate((np.zeros((1, ORDER)), memory_of(places)[:-1]))
    count = len(features(pasts[0]))
    weights, covariance = np.zeros(count), 10 * np.eye(count)
    errors = []
    for place, past in zip(places, pasts, strict=True):
        x = features(past)
        errors.append(float(np.clip(place - weights @ x, -8, 8)))
        q = covariance @ x
        weights = weights + q / (0.999 + x @ q) * errors[-1]
        covariance = covariance - np.outer(q, q) / (0.999 + x @ q)
        covariance *= min(1 / 0.999, 10 * count / np.trace(covariance))
    return np.array(errors)


def readout_of(places: Float64) -> Float64:
    """The mean size of its errors over the last 16 readings or so / over all. (T,) -> (T,)."""
    late = usual = 0.0
    out = []
    for t, error in enumerate(np.abs(readout_errors(places))):
        late += (error - late) * max(1 / (t + 1), 1 / 16)
        usual += (error - usual) / (t + 1)
        out.append(late / max(usual, 0.02))
    return np.array(out)


def usual_of(part: Float64) -> Float64:
    """The mean of a part over the life before each reading, with 512 readings of one. (T,) -> (T,)."""
    out = [1.0]
    for t, value in enumerate(part):
        out.append(out[-1] + (value - out[-1]) / (t + 512))
    return np.maximum(out[:-1], 0.02)


def novelty_of(values: Float64, usual: Float64, strides: Float64, weights: Float64) -> Float64:
    """Novelty of one channel. All (T,), ``strides`` as they are before each reading; ``weights``: (5,) of the parts."""
    mean = late_mean = last = values[0]
    deviation2 = late2 = 0.0
    late, whole = np.zeros(2), np.zeros(2)
    places, ratios, spreads = [], [], []
    for t, value in enumerate(values):
        known = max(np.sqrt(deviation2), abs(last) * 1e-7 if t else 0, 1e-12)
        limit = 30 * max(known, strides[t]) if t >= 64 and strides[t] > 0 else np.inf
        places.append(np.clip((value - mean) / known, -8, 8) if t >= 8 else 0.0)
        rate, late_rate = 1 / (t + 1), max(1 / (t + 1), 1 / 96)
        learnt = np.clip(value - mean, -limit, limit)
        mean += rate * learnt
        deviation2 = (1 - rate) * (deviation2 + rate * learnt**2)
        learnt = np.clip(value - late_mean, -limit, limit)
        late_mean += late_rate * learnt
        late2 = (1 - late_rate) * (late2 + late_rate * learnt**2)
        deviation = max(np.sqrt(deviation2), abs(last) * 1e-7 if t else 0, 1e-12)
        spreads.append(np.sqrt(late2) / deviation)
        size = np.abs([value - last, value - last - usual[t]]) if t else np.zeros(2)
        if t >= 64 and strides[t] > 0:
            size = np.minimum(size, 30 * np.maximum(whole, strides[t]))
        late += (size - late) * max(1 / max(t, 1), 1 / 8)
        whole += (size - whole) / max(t, 1)
        ratios.append(late / np.maximum(whole, max(abs(last) * 1e-9 if t else 0, 1e-12)))
        last = value
    place = np.array(places)
    parts = np.minimum([*np.array(ratios).T, spreads, distances(memory_of(place)), readout_of(place)], 20)
    size = weights @ np.array([(part / usual_of(part)) ** 3 for part in parts]) / weights.sum()
    age = np.arange(len(values))
    novelty: Float64 = size / (size + 8) * age / (age + 16)
    return novelty
