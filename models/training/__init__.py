"""Offline training of the shipped weights."""
