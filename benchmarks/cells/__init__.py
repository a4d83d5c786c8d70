"""What the cells cost and what they are worth, measured on the task they are made for."""
