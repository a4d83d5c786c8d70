"""What a topic holds beside what it should: what is missing, what is there twice, what is different."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tests.faults.undisturbed import Key

SHOWN = 3


@dataclass(frozen=True)
class Comparison:
    """``expected`` has each output once."""

    expected: dict[Key, str]
    found: list[tuple[Key, str]]

    @property
    def missing(self) -> set[Key]:
        return self.expected.keys() - {key for key, _ in self.found}

    @property
    def unexpected(self) -> set[Key]:
        return {key for key, _ in self.found} - self.expected.keys()

    @property
    def repeated(self) -> set[Key]:
        return {key for key, count in Counter(key for key, _ in self.found).items() if count > 1}

    @property
    def different(self) -> list[tuple[Key, str, str]]:
        """-> whose, what was expected, what was found."""
        return [
            (key, self.expected[key], said)
            for key, said in self.found
            if key in self.expected and self.expected[key] != said
        ]

    @property
    def faults(self) -> list[str]:
        """A line for each kind of fault, with the first examples; nothing where found is what was expected."""
        kinds: dict[str, Iterable[object]] = {
            "missing": sorted(self.missing),
            "unexpected": sorted(self.unexpected),
            "repeated": sorted(self.repeated),
            "different": self.different,
        }
        return [
            f"{len(some)} of {len(self.expected)} {kind}: {', '.join(map(str, some[:SHOWN]))}"
            for kind, all_ in kinds.items()
            if (some := list(all_))
        ]
