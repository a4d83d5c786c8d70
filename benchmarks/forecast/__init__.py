"""What the forecast benchmark is made of."""
