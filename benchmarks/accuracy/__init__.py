"""What `bench_accuracy.py` is made of: labelled files, a replay of many side by side, scoring rules, contenders."""
