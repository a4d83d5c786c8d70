"""What `bench_throughput.py` is made of: a workload, the roads it is sent along, a meter and a report."""
