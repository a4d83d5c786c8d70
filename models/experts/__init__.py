"""Online experts: forecasters of one series each, without weights, at a constant cost a reading."""
