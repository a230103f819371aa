"""``senm-jax synthesize``: makes training pairs from clean images with a trained noise model."""

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags."""
    parser.epilog = (
        "Killed and started again in the same way, it goes on and ends with the same bytes. What "
        "is made of an image depends on the run, the seed, the image and its name alone."
    )
    parser.add_argument("--run", required=True, metavar="DIR", help="a noise model's run",
                        dest="run_dir")
    parser.add_argument("--step", type=int, help="take this checkpoint")
    parser.add_argument("--clean", required=True, metavar="PATH",
                        help="a folder of images, an image, or a patch store")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the result goes")
    parser.add_argument("--as", dest="form", choices=("store", "images"), default="store",
                        help="pairs in a patch store (default), or whole images as PNG files")
    parser.add_argument("--level", metavar="A|A:B|sidd|like:STORE",
                        help="noise level, a standard deviation in [0, 1] units: a number, a range "
                        "to draw from, the rule SeNM-VAE draws by for SIDD, or drawn as a store's "
                        "pairs have it where the picture has the image's texture, or as its "
                        "noisy patches have it if it has no pairs (default: like the run's "
                        "training stores)")
    parser.add_argument("--temperature", metavar="A|A:B",
                        help="a number, or a range to draw from (default: the method's own)")
    parser.add_argument("--pre-noise", metavar="A|A:B",
                        help="of LUD-VAE: standard deviation, in [0, 1] units, of the white noise "
                        "that is added to a clean image before it is translated (default: as the "
                        "run's config says)")
    parser.add_argument("--heat", metavar="A|A:B",
                        help="of DeFlow: how far an image is moved from clean (0) to degraded (1), "
                        "a number, or a range to draw from (default 1)")
    parser.add_argument("--configuration", metavar="NAME|random|like:STORE",
                        help="the camera configuration, as CAMERA_00100, of a method that tells "
                        "them apart, one at random for each image, or like a store's noisy "
                        "patches (default: like the run's training stores)")
    parser.add_argument("--scale", type=int, default=1, metavar="N",
                        help="make pairs for super-resolution: clean images are reduced N times "
                        "(2 or 4, by MATLAB's bicubic interpolation) before the model makes them "
                        "noisy, and the pairs' clean side is the image itself (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="of all random draws (default 0)")
    parser.add_argument("--match-mean", action="store_true",
                        help="shift each noisy image's channel means to the clean image's")
    parser.add_argument("--per-image", type=int, metavar="N",
                        help="patches cut from each image for a store (default: as many as cover "
                        "it, at most 32); else noisy versions of each image or patch (default 1)")
    parser.add_argument("--patch", type=int, default=256, metavar="N",
                        help="side of the clean patches cut from images (default 256)")
    parser.add_argument("--tile", type=int, metavar="N",
                        help="side of the tiles larger images are cut into (default: by the "
                        "network's reach); the result is the same to float tolerance")
    parser.add_argument("--batch", type=int, metavar="N",
                        help="tiles computed together (default: by their size)")


def run(args: argparse.Namespace) -> int:
    """Makes them; returns 1 where files were left out."""
    from senm_jax.training import platform

    for name in ("per_image", "patch", "tile", "batch", "scale"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name.replace('_', '-')}: expected at least 1, got {value}")
    platform.start()

    from senm_jax.inference import synthesize
    from senm_jax.training import runs

    opened = runs.open(args.run_dir, args.step)
    options = synthesize.Options(
        args.seed, args.level, args.temperature, args.pre_noise, args.configuration,
        args.match_mean, args.tile, args.batch, args.heat, args.scale,
    )
    if args.form == "store":
        summary = synthesize.to_store(
            opened, args.clean, args.out, options, args.per_image, args.patch
        )
    else:
        summary = synthesize.to_images(opened, args.clean, args.out, options, args.per_image)
    what = "pairs" if args.form == "store" else "images"
    print(f"{args.out}: {summary.made} {what} made, {summary.kept} were there")
    for problem in summary.problems:
        print(f"left out: {problem}", file=sys.stderr)
    if summary.problems:
        print(f"{len(summary.problems)} files were left out", file=sys.stderr)
    return int(bool(summary.problems))
