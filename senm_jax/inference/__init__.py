"""A trained method applied to images of any size."""
