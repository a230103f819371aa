"""Camera configurations: a camera at an ISO, by their names and in their order."""

from collections.abc import Iterable


def name(camera: str, iso: int | None) -> str:
    """``CAMERA_00100``, five digits of ISO; the camera alone where that is unknown."""
    return camera if iso is None else f"{camera}_{iso:05d}"


def names(tags: Iterable[tuple[str | None, int | None]]) -> list[str | None]:
    """The `name` of each patch's (camera, ISO), None where the camera is unknown."""
    return [None if camera is None else name(camera, iso) for camera, iso in tags]


def order(pair: tuple[str, int | None]) -> tuple[str, int]:
    """The sort key of a (camera, ISO) pair; an unknown ISO comes first."""
    return (pair[0], -1 if pair[1] is None else pair[1])
