"""Backtests: files replayed by the ordinary engine, and how well their labelled events were found."""
