"""A sink for those who want the metrics alone."""

from typing_extensions import override

from connectors.ports import Columns, Sink


class DiscardSink(Sink):
    """Takes everything and keeps nothing."""

    @override
    def write(self, columns: Columns) -> None:
        pass

    @override
    def flush(self) -> None:
        pass

    @override
    def close(self) -> None:
        pass
