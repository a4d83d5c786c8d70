"""CUDA graphs: all kernels of some operations launched at once, where launching one by one costs more than they do."""

import torch
from torch import Tensor

from streamer.recording import Operations


def captured(operations: Operations, inputs: tuple[Tensor, ...]) -> Operations:
    """The same kernels on tensors of the same shapes, in one launch (decision 35). inputs: on one CUDA device.

    Raises:
        RuntimeError: an operation waits for the device, or reads from the host.
    """
    device = inputs[0].device
    read = tuple(column.clone() for column in inputs)  # a graph reads and writes where it did when it was captured
    graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream(device)
    aside.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(aside):
        operations(*read)  # once before: libraries make their workspaces, and caches their constants
    with torch.cuda.graph(graph, stream=aside, capture_error_mode="thread_local"):  # others may use the device
        written = operations(*read)
    torch.cuda.current_stream(device).wait_stream(aside)

    def replay(*inputs: Tensor) -> tuple[Tensor, ...]:
        for mine, given in zip(read, inputs, strict=True):
            mine.copy_(given)
        graph.replay()
        return tuple(column.clone() for column in written)

    return replay
