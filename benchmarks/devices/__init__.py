"""The parts of `bench_device.py`."""
