"""Files that appear whole or not at all, and folders that one process holds."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

LOCK = ".lock"
"""The file by which a folder is held."""


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
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise naming(path, error) from error
        raise


def naming(path: str | os.PathLike, error: OSError) -> OSError:
    """The error with the path in its text; what fails in writing does not say where."""
    return OSError(error.errno, error.strerror, str(path))


@contextlib.contextmanager
def held(folder: str | os.PathLike, refusal: str) -> Iterator[None]:
    """Keeps other processes of this machine from holding the folder, made if need be, meanwhile.

    Raises:
        ValueError: one does already; ``refusal`` is its text.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    try:
        file = (folder / LOCK).open("w")
    except FileNotFoundError:  # it was renamed just now
        raise ValueError(refusal) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(refusal) from None
        except OSError:
            pass  # a file system without locks
        yield
