"""`streamer train`: fits a forecaster to the readings of a group, from files or from what Kafka holds."""
