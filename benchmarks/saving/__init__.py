"""What `bench_checkpoint.py` is made of: a fleet that is saved while it is scored, and the tables that tell of it."""
