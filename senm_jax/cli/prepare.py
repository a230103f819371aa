"""`senm-jax prepare folder|polyu|tfds`: packs photographs into patch stores."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    folder, polyu, tfds = (add(kinds) for add in (_folder, _polyu, _tfds))
    for child in (folder, tfds):
        child.add_argument(
            "--per-image",
            type=positive,
            metavar="N",
            help="patches cut from each image (default: as many as cover it, 32 at most)",
        )
    for child in (folder, polyu, tfds):
        child.add_argument(
            "--patch", type=positive, default=256, metavar="PIXELS", help="patch size (default 256)"
        )
        child.add_argument(
            "--match-mean", action="store_true",
            help="shift the channel means of each noisy patch of a pair to its clean one's: for "
            "photographs between which the light changed (polyu: of training pairs only)",
        )
        child.add_argument(
            "--align", action="store_true",
            help="move the clean photograph of each pair to where the noisy one lies, by up to 8 "
            "pixels or parts of one: for a camera that did not stand still",
        )
        child.add_argument("--seed", type=int, default=0, help="where patches are cut (default 0)")
        child.add_argument(
            "--strict", action="store_true",
            help="refuse to write when preflight finds a problem that --align and --match-mean, "
            "if given, do not mend",
        )
        child.add_argument(
            "--apart-from", action="append", default=[], metavar="STORE",
            help="report photographs that show what one in this store shows, as near-duplicates: "
            "for a test store, the training store; may be given again",
        )


def _folder(kinds):
    folder = kinds.add_parser(
        "folder",
        help="your own photographs",
        description="Packs folders of photographs (PNG, JPEG, TIFF, BMP, WebP; 8 or 16 bits) into "
        "the patch store OUT. Grey becomes RGB, alpha is left out, EXIF orientation is applied, "
        "16 bits are rounded to 8. At least one of --pairs, --clean and --noisy is needed.",
    )
    folder.add_argument("out", metavar="OUT", help="the store to make; it must not exist")
    folder.add_argument(
        "--pairs",
        nargs=2,
        metavar=("CLEAN", "NOISY"),
        help="folders of clean and noisy photographs of the same scenes, matched by name",
    )
    folder.add_argument("--scale", type=positive, default=1, metavar="N",
                        help="the clean photographs of --pairs are exactly N times as large as the "
                        "noisy ones, for super-resolution; --patch is the clean patches' size")
    folder.add_argument("--clean", metavar="DIR", help="clean photographs without a partner")
    folder.add_argument("--noisy", metavar="DIR", help="noisy photographs without a partner")
    folder.add_argument("--degrade", metavar="NAME[,KEY=VALUE...]",
                        help="make pairs of the clean photographs by a known degradation, as "
                        "awgn,sigma_255=5:50 or jpeg,quality=10; senm-jax degrade --help lists all")
    return folder


def _polyu(kinds):
    polyu = kinds.add_parser(
        "polyu",
        help="the PolyU real-world noisy images",
        description="Packs the PolyU real-world noisy images into the stores OUT/train and "
        "OUT/test, by the split of DATA/scenes.json.",
    )
    polyu.add_argument("data", metavar="DATA", help="the folder that holds scenes.json")
    polyu.add_argument("out", metavar="OUT", help="the folder to make; it must not exist")
    polyu.add_argument(
        "--per-scene", type=positive, default=48, metavar="N", help="patches a scene (default 48)"
    )
    polyu.add_argument(
        "--pairs",
        type=count_or_all,
        default="all",
        metavar="N",
        help="keep N training patches as pairs, taken evenly from all training scenes; clean "
        "patches of one half of the scenes become source, noisy ones of the other half target; "
        "'all' (default): every training patch is a pair",
    )
    return polyu


def _tfds(kinds):
    tfds = kinds.add_parser(
        "tfds",
        help="a dataset of tensorflow-datasets",
        description="Packs one split of a dataset of tensorflow-datasets into the patch store OUT. "
        "Needs the extra senm-jax[tfds], no TensorFlow. --clean and --noisy together give pairs.",
    )
    tfds.add_argument(
        "dataset", metavar="DATASET",
        help="the folder of a built dataset (with dataset_info.json), or a name in the catalogue, "
        "downloaded and built if it is not there",
    )
    tfds.add_argument("out", metavar="OUT", help="the store to make; it must not exist")
    tfds.add_argument("--split", default="train", metavar="NAME",
                      help="a split or a part of one, such as train[:50%%] (default train)")
    tfds.add_argument("--clean", metavar="FEATURE", help="its feature that holds clean images")
    tfds.add_argument("--noisy", metavar="FEATURE", help="its feature that holds noisy images")
    tfds.add_argument("--data-dir", metavar="DIR", help="where built datasets are kept")
    return tfds


def positive(text: str) -> int:
    """The number, refused below 1."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return int(text)


def count_or_all(text: str) -> int | None:
    """The number, or None for 'all'."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number or all, got {text!r}")
    return int(text)


def run(args: argparse.Namespace) -> None:
    """Packs and prints what was written."""
    from senm_jax.data import duplicates, folder, polyu, store
    from senm_jax.degradations import parameters

    if getattr(args, "degrade", None):
        from senm_jax.training import platform

        platform.start()
    common = {"patch": args.patch, "match_mean": args.match_mean, "align": args.align,
              "seed": args.seed, "strict": args.strict}
    common["apart_from"] = [seen for path in args.apart_from for seen in duplicates.of_store(path)]
    if args.kind == "folder":
        paths = (
            folder.prepare(
                args.out, pairs=args.pairs and tuple(args.pairs), clean=args.clean,
                noisy=args.noisy, degrade=args.degrade and parameters.parse(args.degrade),
                per_image=args.per_image, scale=args.scale, **common,
            ),
        )  # fmt: skip
    elif args.kind == "polyu":
        paths = polyu.prepare(
            args.data, args.out, per_scene=args.per_scene, pairs=args.pairs, **common
        )
    else:
        try:
            from senm_jax.data import catalogue
        except ModuleNotFoundError as error:
            raise ValueError(
                f"needs the extra tfds ({error}); pip install 'senm-jax[tfds]'"
            ) from None
        paths = (
            catalogue.prepare(
                args.dataset, args.out, split=args.split, clean=args.clean, noisy=args.noisy,
                data_dir=args.data_dir, per_image=args.per_image, **common,
            ),
        )  # fmt: skip
    stores = [store.Store.open(path) for path in paths]
    for opened in stores:
        print(opened.summary())
    report = stores[0].index["about"]["preflight"]
    if report["usable"] < report["looked_at"]:
        print(
            f"left out: {report['looked_at'] - report['usable']} of {report['looked_at']} images "
            "or pairs; the preflight report above names them"
        )
