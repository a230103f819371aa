"""Files that appear whole or not at all."""

import os
import threading
from pathlib import Path


def require_writable(folder: str | os.PathLike) -> None:
    """OSError unless files can be put into ``folder``, which need not be there yet."""
    folder = Path(folder)
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"{folder}: expected a folder to write to, {existing} is a file")
    if not os.access(existing, os.W_OK):
        raise PermissionError(f"{folder}: cannot be written to; take another folder")


def replace(path: str | os.PathLike, data: bytes) -> None:
    """Puts ``data`` at ``path``: written under a temporary name beside it, then renamed."""
    path = Path(path)
    temporary = path.with_name(f".{path.name[:60]}.{os.getpid()}.{threading.get_ident()}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
