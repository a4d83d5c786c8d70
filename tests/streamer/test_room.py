"""Room for a copy: arrays that share nothing, in the same memory each time."""

import numpy as np

from streamer.room import Room

SHAPES = [((5, 3), np.int32), ((7,), np.bool_), ((0, 4), np.float64), ((9,), np.int64)]
SIZE_BYTES = 5 * 3 * 4 + 7 + 9 * 8


def test_what_is_cut_has_its_shape_and_shares_no_byte() -> None:
    room = Room()
    room.clear(SIZE_BYTES)

    arrays = [room.cut(shape, dtype) for shape, dtype in SHAPES]

    for number, array in enumerate(arrays):
        array.reshape(-1).view(np.uint8)[:] = number
    for number, (array, (shape, dtype)) in enumerate(zip(arrays, SHAPES, strict=True)):
        assert array.shape == shape
        assert array.dtype == np.dtype(dtype)
        assert (array.reshape(-1).view(np.uint8) == number).all()


def test_the_same_memory_is_cut_again_after_a_clear() -> None:
    room = Room()
    room.clear(SIZE_BYTES)
    before = [room.cut(shape, dtype) for shape, dtype in SHAPES]
    room.clear(SIZE_BYTES)

    again = [room.cut(shape, dtype) for shape, dtype in SHAPES]

    assert [array.ctypes.data for array in again] == [array.ctypes.data for array in before]


def test_what_does_not_fit_has_memory_of_its_own() -> None:
    room = Room()
    room.clear(0)
    small = room.cut((1,), np.int64)

    large = room.cut((100_000,), np.int64)

    small[:], large[:] = 1, 2
    assert small[0] == 1
