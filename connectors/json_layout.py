"""Records of JSON: one object each, or an array of objects."""

import json
import types
from collections.abc import Callable, Sequence

import msgspec
from typing_extensions import override

from connectors.columns import Reason
from connectors.formats import Format
from connectors.rows import UNREADABLE, Fault, Layout, Row, RowMaker, malformed, wrong


class JsonObjects(Layout):
    """One object a record."""

    has_one_row = True

    def __init__(self, record_format: Format, fields: Sequence[str]) -> None:
        self._rows = RowMaker(record_format, fields)
        self.fields = self._rows.fields
        self.read: Callable[[bytes], Row] = msgspec.json.Decoder(self._rows.type).decode

    @override
    def examine(self, value: bytes) -> list[Row | Fault]:
        try:
            element = json.loads(value.decode())
        except UNREADABLE as error:
            return [malformed("a JSON object", value, error)]
        return [self._rows.make(element, "$")]


class JsonArrays(Layout):
    """An array of objects a record."""

    has_one_row = False

    def __init__(self, record_format: Format, fields: Sequence[str]) -> None:
        self._rows = RowMaker(record_format, fields)
        self.fields = self._rows.fields
        self.read: Callable[[bytes], list[Row]] = msgspec.json.Decoder(types.GenericAlias(list, self._rows.type)).decode

    @override
    def examine(self, value: bytes) -> list[Row | Fault]:
        try:
            elements = json.loads(value.decode())
        except UNREADABLE as error:
            return [malformed("a JSON array of objects", value, error)]
        if not isinstance(elements, list):
            return [wrong(Reason.WRONG_TYPE, "$", "an array of objects", elements)]
        return [self._rows.make(element, f"$[{index}]") for index, element in enumerate(elements)]
