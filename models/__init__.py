"""The mathematics: tensors in, tensors out. No broker, no clock, no thread, no metric."""
