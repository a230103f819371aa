"""Learns how real cameras degrade photographs and trains restorers on what it learnt."""

__version__ = "0.1.0.dev0"
