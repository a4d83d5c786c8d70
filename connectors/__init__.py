"""Input and output: Kafka, files and memory. Columns of numpy in, columns out."""
