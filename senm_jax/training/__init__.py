"""The train state, the one train step, and the loop around it."""
