"""What `bench_recovery.py` is made of: what a killed daemon leaves, and the process that goes on from there."""
