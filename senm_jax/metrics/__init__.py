"""Image-quality and noise metrics, one definition a file, each with its source."""
