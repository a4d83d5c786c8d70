"""The checkpoint's file: what goes in comes out, to the bit; anything else is refused and says why."""

import hashlib
import json
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from connectors.columns import TopicPartition
from connectors.errors import StoreError
from connectors.ports import StateKey
from streamer.checkpoint import BLOCK_BYTES, Checkpoint, CheckpointError, SavedColumn, decode, encode
from tests.streamer.checkpoints import a_checkpoint, assert_same, assert_same_array

DTYPES = [np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8, np.bool_]


def bytes_of(checkpoint: Checkpoint) -> bytes:
    return b"".join(encode(checkpoint))


def sealed(content: bytes) -> bytes:
    """The same content under a checksum that holds, as another writer would have it."""
    return content[:-32] + hashlib.sha256(content[:-32]).digest()


any_text = st.text(st.characters(), max_size=20)  # lone surrogates and line ends too
names = st.text(max_size=20)  # of columns and arrays: the code's own
numbers = st.none() | st.integers() | st.floats(allow_nan=False)
json_values = st.recursive(
    numbers | st.booleans() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


def values_of(shape: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[NDArray[Any]]:
    return st.sampled_from(DTYPES).flatmap(lambda dtype: arrays.arrays(dtype, shape))


@st.composite
def checkpoints(draw: st.DrawFn) -> Checkpoint:
    series = draw(st.lists(any_text, max_size=6))
    rows = arrays.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3).map(lambda row: (len(series), *row))
    columns = st.builds(SavedColumn, st.integers(1, 9), values_of(rows))
    shared = values_of(arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    return Checkpoint(
        key=StateKey(draw(any_text), TopicPartition(draw(any_text), draw(st.integers(0, 2**31)))),
        next_offset=draw(st.integers(0, 2**63 - 1)),
        artifact=draw(any_text),
        artifact_content=draw(st.binary(max_size=50)),
        settings=draw(st.dictionaries(any_text, json_values, max_size=3)),
        build=draw(st.dictionaries(any_text, any_text, max_size=3)),
        counters=draw(st.dictionaries(any_text, numbers, max_size=4)),
        series=series,
        columns=draw(st.dictionaries(names, columns, max_size=4)),
        shared=draw(st.dictionaries(names, shared, max_size=3)),
    )


@settings(deadline=None, max_examples=200)
@given(checkpoints())
def test_what_is_encoded_is_decoded_to_the_bit(checkpoint: Checkpoint) -> None:
    content = bytes_of(checkpoint)

    assert_same(decode(content, "here"), checkpoint)
    assert bytes_of(decode(content, "here")) == content


@settings(deadline=None, max_examples=50)
@given(checkpoints())
def test_the_plain_library_reads_what_is_written(checkpoint: Checkpoint) -> None:
    read = safetensors.numpy.load(bytes_of(checkpoint))

    for name, column in checkpoint.columns.items():
        assert_same_array(read[f"columns.{name}"], column.values)
    for name, values in checkpoint.shared.items():
        assert_same_array(read[f"shared.{name}"], values)
    assert read["artifact"].tobytes() == checkpoint.artifact_content


def test_the_file_is_what_the_documentation_says_byte_by_byte() -> None:
    content = bytes_of(a_checkpoint())

    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    start, end = header["columns.mean"]["data_offsets"]
    data = content[8 + length :]
    assert length % 8 == 0
    assert header["__metadata__"]["format_version"] == "2"
    assert json.loads(header["__metadata__"]["checkpoint"])["next_offset"] == 4711
    assert data[start:end] == a_checkpoint().columns["mean"].values.astype("<f8").tobytes()
    assert content[-40:] == b"streamer" + hashlib.sha256(content[:-32]).digest()


def test_every_array_lies_at_a_multiple_of_its_item() -> None:
    checkpoint = decode(bytes_of(a_checkpoint(artifact_content=b"odd")), "here")

    aligned = [column.values.flags.aligned for column in checkpoint.columns.values()]
    assert all([*aligned, *(values.flags.aligned for values in checkpoint.shared.values())])


def test_columns_may_be_views_of_a_wider_table() -> None:
    slab = np.random.default_rng(1).integers(-(2**31), 2**31, (300_000, 4), dtype=np.int32)
    columns = {
        "wide": SavedColumn(1, slab[:, 0:2].view(np.float64)),
        "narrow": SavedColumn(1, slab[:, 2:3].view(np.float32)),
        "bytes": SavedColumn(1, slab[::-1, 3:4].view(np.uint8)),
    }
    checkpoint = a_checkpoint(series=[str(row) for row in range(len(slab))], columns=columns)

    blocks = list(encode(checkpoint))

    assert max(len(block) for block in blocks) <= BLOCK_BYTES
    assert_same(decode(b"".join(blocks), "here"), checkpoint)


def test_whatever_a_series_is_called_it_is_called_so_again() -> None:
    series = ["", "\ud800", "a\0b", "\r\n", "日本" * 5000, *map(str, range(10_000))]
    checkpoint = a_checkpoint(series=series, columns={})

    assert decode(bytes_of(checkpoint), "here").series == series


def test_what_was_decoded_cannot_be_changed() -> None:
    checkpoint = decode(bytearray(bytes_of(a_checkpoint())), "here")

    with pytest.raises(ValueError, match="read-only"):
        checkpoint.columns["mean"].values[0] = 1.0


def test_values_of_the_other_byte_order_are_written_as_all_are() -> None:
    swapped = {"mean": SavedColumn(1, np.array([1.5, 2.5, 3.5], dtype=">f8"))}
    plain = {"mean": SavedColumn(1, np.array([1.5, 2.5, 3.5]))}

    assert bytes_of(a_checkpoint(columns=swapped)) == bytes_of(a_checkpoint(columns=plain))


def test_a_column_without_a_row_for_each_series_is_refused() -> None:
    with pytest.raises(ValueError, match=r"column mean: expected 3 rows, one a series, got shape \(2,\)"):
        a_checkpoint(columns={"mean": SavedColumn(1, np.zeros(2))})


def test_a_dtype_that_the_format_lacks_is_refused_before_anything_is_written() -> None:
    checkpoint = a_checkpoint(shared={"pool": np.zeros(2, np.uint16)})

    with pytest.raises(ValueError, match=r"shared\.pool: expected a dtype of .*'float32'.*, got uint16"):
        next(iter(encode(checkpoint)))


def test_a_flipped_bit_anywhere_is_refused() -> None:
    content = bytes_of(a_checkpoint())

    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(CheckpointError, match=r"^g/t-3/7: expected .*, got "):
            decode(damaged, "g/t-3/7")


def test_a_file_cut_anywhere_is_refused() -> None:
    content = bytes_of(a_checkpoint())

    for size in range(len(content)):
        with pytest.raises(CheckpointError, match=rf"^file: expected .*, got {size} bytes without the footer"):
            decode(content[:size], "file")


def test_a_cut_file_is_told_how_long_it_should_be() -> None:
    content = bytes_of(a_checkpoint())

    with pytest.raises(CheckpointError, match=f"a checkpoint of {len(content)} bytes, got {len(content) - 1} bytes"):
        decode(content[:-1], "file")


def test_a_damaged_file_is_told_from_a_foreign_one() -> None:
    content = bytearray(bytes_of(a_checkpoint()))
    content[len(content) // 2] ^= 1

    with pytest.raises(CheckpointError, match="it is damaged"):
        decode(content, "file")
    with pytest.raises(CheckpointError, match="expected a checkpoint, got 70 bytes without the footer of one"):
        decode(safetensors.numpy.save({"a": np.zeros(6, np.uint8)}), "file")


def test_a_newer_format_is_refused_by_its_version() -> None:
    newer = bytes_of(a_checkpoint()).replace(b'"format_version": "2"', b'"format_version": "3"')

    with pytest.raises(CheckpointError, match=r"^file: expected format_version 2 or an earlier one, got 3$"):
        decode(sealed(newer), "file")


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        (b'"format_version"', b'"format_versing"'),
        (b'"columns.mean"', b'"columns.lean"'),
        (b'"shape": [3]', b'"shape": [4]'),
        (b'"dtype": "F64"', b'"dtype": "F61"'),
        (b'\\"topic\\"', b'\\"tonic\\"'),
    ],
)
def test_a_header_that_lacks_or_bends_a_part_is_refused_though_its_checksum_holds(whole: bytes, part: bytes) -> None:
    content = bytes_of(a_checkpoint())
    bent = sealed(content.replace(whole, part))
    assert bent != content

    with pytest.raises(CheckpointError, match=r"^file: expected the header of a checkpoint, got "):
        decode(bent, "file")


def test_a_checkpoint_error_has_the_policy_of_the_store() -> None:
    assert issubclass(CheckpointError, StoreError)
