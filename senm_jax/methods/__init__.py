"""What is optimised and how it samples: one file a method, each with `Config` and `make`."""

import difflib
import importlib
import pkgutil
import types

_NOT_METHODS = {
    "base", "checks", "configurations", "critics", "objectives", "pixel_noise", "senm_vae_terms",
    "vdir_rows", "vdir_terms",
}


def names() -> list[str]:
    """Every method's name, sorted: the files of this folder."""
    found = {info.name for info in pkgutil.iter_modules(__path__)}
    return sorted(found - _NOT_METHODS)


def load(name: str) -> types.ModuleType:
    """The method's module, which has `Config` and `make`.

    Raises:
        ValueError: there is no such method; the message lists those there are.
    """
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"method: expected one of {names()}, got {name!r}.{hint}")
    return importlib.import_module(f"{__name__}.{name}")
