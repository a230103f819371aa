"""``senm-jax export-checkpoint``: writes a run's network as the original implementation has it."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's flags."""
    parser.add_argument("--run", required=True, metavar="DIR", help="a run's folder",
                        dest="run_dir")
    parser.add_argument("--step", type=int, help="take this checkpoint")
    parser.add_argument("--part", metavar="NAME",
                        help="which network, as level-predictor or discriminator of SeNM-VAE "
                        "(default: the generator, flow or restorer)")
    parser.add_argument("--out", required=True, metavar="FILE",
                        help="a state dict for torch.load (.pth, .pt, .ckpt), .safetensors or "
                        ".npz")


def run(args: argparse.Namespace) -> int:
    """Exports; returns 0."""
    from senm_jax.training import platform

    platform.start(cpu_devices=1)

    from senm_jax.interop import checkpoints
    from senm_jax.training import runs

    count = checkpoints.save(runs.open(args.run_dir, args.step), args.out, args.part)
    print(f"{args.out}: {count} tensors")
    return 0
