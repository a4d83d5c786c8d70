"""Offline training: the trainer, what it is taught, and the weights that are shipped."""
