"""The official checkpoints' names and layouts, read into our parameters and written from them."""
