"""Photographs on disk, the patch store, and the pipeline that draws batches from it."""
