"""Protocols that turn a trained method and a store into figures and a report."""
