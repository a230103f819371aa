"""Files that appear whole or not at all."""

import os
import threading
from pathlib import Path


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
