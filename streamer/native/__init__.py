"""Machine code of a recorded step: the same bits as its operations one by one, many times as fast (decision 39)."""
