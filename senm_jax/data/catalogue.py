"""Packs a dataset of tensorflow-datasets, by the way of its image files. Needs no TensorFlow."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow_datasets as tfds
import tqdm

from senm_jax.data import duplicates, folder

_SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8": ".jpg", b"BM": ".bmp"}


def prepare(
    dataset: str,
    out: str | os.PathLike,
    *,
    split: str,
    clean: str | None = None,
    noisy: str | None = None,
    data_dir: str | os.PathLike | None = None,
    patch: int = 256,
    per_image: int | None = None,
    match_mean: bool = False,
    align: bool = False,
    seed: int = 0,
    strict: bool = False,
    apart_from: Sequence[duplicates.Photograph] = (),
    tell: Callable[[str], None] = print,
) -> Path:
    """Writes the store ``out`` from one split and returns its path.

    ``dataset`` is the folder of a built dataset (with ``dataset_info.json``), or a name of the
    catalogue such as ``div2k/bicubic_x4``, downloaded and built below ``data_dir`` if it is not
    there. ``clean`` and ``noisy`` name its image features: both give the domain ``paired``, one
    of them ``source`` or ``target``. The encoded images go through a temporary folder beside
    ``out`` into `folder.prepare`, which says the rest; a patch's source file is the example's
    number in the split.

    Raises:
        ValueError: the dataset, the split or a feature is not there, or its files are not of the
            format array_record; and as `folder.prepare`.
    """
    out = Path(out)
    features = {side: name for side, name in (("clean", clean), ("noisy", noisy)) if name}
    if not features:
        raise ValueError("nothing to pack; give --clean FEATURE, --noisy FEATURE or both")
    examples = _examples(dataset, split, list(features.values()), data_dir)
    if not len(examples):
        raise ValueError(f"--split {split}: {dataset} has no example there")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.images-", dir=out.parent) as work:
        roots = {side: Path(work) / side for side in features}
        for root in roots.values():
            root.mkdir()
        for i in tqdm.trange(len(examples), desc=f"reading {dataset}", unit="image"):
            example = examples[i]
            for side, feature in features.items():
                data = example[feature]
                (roots[side] / f"{i:06d}{_suffix(data)}").write_bytes(data)
        given = {"pairs": (roots["clean"], roots["noisy"])} if len(roots) == 2 else roots
        return folder.prepare(out, **given, patch=patch, per_image=per_image,
                              match_mean=match_mean, align=align, seed=seed, strict=strict,
                              apart_from=apart_from, tell=tell,
                              origin={"dataset": str(dataset), "split": split})


def _examples(dataset, split, features, data_dir):
    """The split as a sequence of examples whose ``features`` are encoded images."""
    if Path(dataset).is_dir():
        builder = tfds.builder_from_directory(dataset)
    else:
        try:
            builder = tfds.builder(dataset, data_dir=data_dir, file_format="array_record")
        except tfds.core.DatasetNotFoundError as error:
            raise ValueError(
                f"{dataset}: neither a folder nor in the catalogue ({str(error).splitlines()[0]})"
            ) from None
        builder.download_and_prepare()
    images = [name for name, feature in builder.info.features.items()
              if isinstance(feature, tfds.features.Image)]
    for name in features:
        if name not in images:
            known = ", ".join(sorted(images))
            raise ValueError(f"{dataset}: expected an image feature, one of {known}, got {name!r}")
    if builder.info.file_format != tfds.core.FileFormat.ARRAY_RECORD:
        raise ValueError(
            f"{dataset}: expected files of the format array_record, which need no TensorFlow, got "
            f"{builder.info.file_format.value}; build it again with file_format='array_record'"
        )
    skip = {name: tfds.decode.SkipDecoding() for name in features}
    return builder.as_data_source(split=split, decoders=skip)


def _suffix(data: bytes) -> str:
    """The file suffix of an encoded image, by its first bytes."""
    return next((s for start, s in _SUFFIXES.items() if data.startswith(start)), ".png")
