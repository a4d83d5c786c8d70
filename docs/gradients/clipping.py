"""What clipping the gradient does to the course of a training."""

import math
from collections.abc import Iterator

import msgspec

from docs.gradients.chart import Axis, Line, Panel, draw
from docs.gradients.fitting import Fit, Recipe, fit, seeded
from docs.gradients.tables import number, spread, table
from docs.gradients.tasks import Echo
from models.cells import RNN

TASK = Echo(lag=10, length=100)
STEPS, CLIP, DRAWN_EVERY = 400, 1.0, 4
OPTIMISERS = (("sgd", 0.03), ("sgd", 0.1), ("adam", 0.003), ("adam", 0.01))


class Course(msgspec.Struct, frozen=True):
    """Trainings with one setting; one number a seed, None where it was not finite."""

    optimiser: str
    learning_rate: float
    clip: float | None
    loss: list[float | None]  # of the last steps, as shares of the baseline
    worst_loss: list[float]  # the largest finite one, as a share of the baseline
    worst_norm: list[float]  # of the gradient before clipping, likewise
    losses: list[float]  # of the first seed, every `DRAWN_EVERY` steps, as shares of the baseline


def measure(seeds: range) -> list[Course]:
    """Train a plain recurrent network on the echo, with each optimiser, without clipping and with it."""
    found = []
    for optimiser, rate in OPTIMISERS:
        for clip in (None, CLIP):
            recipe = Recipe(STEPS, rate, optimiser, clip or math.inf)
            courses = list(_courses(recipe, seeds))
            losses = [course.recent_loss / TASK.baseline for course in courses]
            found.append(
                Course(
                    optimiser,
                    rate,
                    clip,
                    [loss if math.isfinite(loss) else None for loss in losses],
                    [max(filter(math.isfinite, course.losses)) / TASK.baseline for course in courses],
                    [max(filter(math.isfinite, course.norms)) for course in courses],
                    [loss / TASK.baseline for loss in courses[0].losses[::DRAWN_EVERY] if math.isfinite(loss)],
                )
            )
    return found


def _courses(recipe: Recipe, seeds: range) -> Iterator[Fit]:
    for seed in seeds:
        reader, generator = seeded(RNN, TASK, seed)
        yield fit(reader, TASK, recipe, generator)


def course_table(rows: list[Course]) -> str:
    """The loss at the end, and the worst on the way."""
    body = []
    for row in rows:
        finite = [loss for loss in row.loss if loss is not None]
        loss = spread(finite) if len(finite) == len(row.loss) else "not finite"
        clip = "none" if row.clip is None else number(row.clip)
        worst = number(max(row.worst_loss)), number(max(row.worst_norm))
        body.append([row.optimiser, number(row.learning_rate), clip, loss, *worst])
    return table(["optimiser", "rate", "clipped at", "loss at the end", "largest loss", "largest norm"], body)


def course_chart(rows: list[Course]) -> str:
    """The loss over the steps, a panel an optimiser."""
    steps = Axis("step of the optimiser", (0, 100, 200, 300, 400))
    loss = Axis("loss, share of the baseline", (1e-3, 1e-2, 0.1, 1, 10, 1e2, 1e3, 1e4), is_logarithmic=True)
    panels = []
    for optimiser in dict.fromkeys(row.optimiser for row in rows):
        lines = [
            Line(
                f"rate {row.learning_rate:g}, {'not clipped' if row.clip is None else 'clipped'}",
                range(0, len(row.losses) * DRAWN_EVERY, DRAWN_EVERY),
                row.losses,
            )
            for row in rows
            if row.optimiser == optimiser
        ]
        title = {"sgd": "Gradient descent with momentum", "adam": "Adam"}[optimiser]
        panels.append(Panel(title, steps, loss, lines))
    return draw("Loss over the steps of a training, without clipping and with it, for two optimisers", panels)
