"""Known degradations as pure functions ``(key, clean, ...) -> noisy``."""
