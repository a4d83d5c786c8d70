"""The pictures of docs/detection.md: series with a fault each, and what the detector says of them."""
