"""The papers' downstream protocols: which restorer learns from which pairs for which table.

A restorer's size, loss, optimiser, crops, steps and choice of checkpoint are its config's; a
protocol adds the mix of real and synthetic pairs and the rows that it is compared with.
"""

from typing import NamedTuple

from senm_jax.training import fields

REAL, SYNTHETIC = "real", "synthetic"
Mix = tuple[str, ...]
"""Sides whose stores are drawn from together, each pair alike; (): the restorer as it starts."""


class Protocol(NamedTuple):
    """One table of a paper."""

    table: str
    config: str
    """A file below ``configs/``; its presets ``cpu`` and ``tiny`` are smaller sizes of the same."""
    about: str
    """What is trained and measured, in a phrase."""
    learns: Mix
    """What the paper's restorer learns from."""
    beside: tuple[Mix, ...] = ()
    """What those that it is compared with learn from; such a row is made where its stores are."""

    @property
    def uses(self) -> set[str]:
        """The sides that any row learns from."""
        return {side for mix in (self.learns, *self.beside) for side in mix}


_SIDD = "PSNR and SSIM on SIDD's validation (2-D) and benchmark (3-D)"
_SUPER = "ESRGAN by 4 from a PSNR-trained RRDBNet; PSNR, SSIM and LPIPS of the last checkpoint on "
_EARLIER = " (the paper takes that of step 50,000 where its LPIPS is better)"

PROTOCOLS = {
    "senm-vae-sidd-dncnn": Protocol(
        "SeNM-VAE, Table 1", "dncnn/sidd_senm_vae.py",
        "DnCNN on 48,000 synthetic pairs of SIDD-Medium, the pairs at hand left out; PSNR on "
        "SIDD's validation. The table's KLD and FID are of the noise model (senm-jax evaluate "
        "noise)",
        (SYNTHETIC,), ((REAL,),),
    ),
    "senm-vae-sidd-drunet": Protocol(
        "SeNM-VAE, Table 2", "drunet/sidd.py",
        f"blind DRUNet on the pairs at hand and synthetic ones, or on the former alone; {_SIDD} "
        "and on DND",
        (REAL, SYNTHETIC), ((REAL,),),
    ),
    "senm-vae-sidd-nafnet": Protocol(
        "SeNM-VAE, Table 3", "nafnet/sidd.py",
        "NAFNet of width 64 as released (--config.start), and tuned further on synthetic pairs; "
        "PSNR and SSIM (3-D) on SIDD's validation and benchmark",
        (SYNTHETIC,), ((),),
    ),
    "senm-vae-aim19": Protocol(
        "SeNM-VAE, Tables 4 and 5", "esrgan/aim19.py", f"{_SUPER}AIM 2019's last 90 pairs",
        (SYNTHETIC,),
    ),
    "senm-vae-ntire20": Protocol(
        "SeNM-VAE, Tables 4 and 5", "esrgan/ntire20.py", f"{_SUPER}NTIRE 2020's last 90 pairs",
        (SYNTHETIC,),
    ),
    "lud-vae-aim19": Protocol(
        "LUD-VAE, Tables 1 to 3", "esrgan/aim19.py",
        f"{_SUPER}AIM 2019's 100 pairs{_EARLIER}",
        (SYNTHETIC,),
    ),
    "lud-vae-sidd": Protocol(
        "LUD-VAE, Tables 1 to 3", "dncnn/sidd.py",
        f"DnCNN on synthetic pairs of SIDD-Small in tiles of 512; {_SIDD}",
        (SYNTHETIC,), ((REAL,),),
    ),
    "lud-vae-ntire20": Protocol(
        "LUD-VAE, Tables 1 to 3", "esrgan/ntire20.py",
        f"{_SUPER}NTIRE 2020's 100 pairs{_EARLIER}",
        (SYNTHETIC,),
    ),
    "naflow-sidd": Protocol(
        "NAFlow, Table 4", "dncnn/sidd_naflow.py",
        "DnCNN of 20 convolutions on synthetic pairs of SIDD-Medium; PSNR and SSIM (3-D) on SIDD's "
        "benchmark",
        (SYNTHETIC,), ((REAL,),),
    ),
}


def find(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ValueError: there is none; the message names the nearest.
    """
    if name not in PROTOCOLS:
        raise ValueError(f"{name}: no such protocol; {fields.nearest(name, PROTOCOLS)}")
    return PROTOCOLS[name]


def listing() -> str:
    """A line or two for each protocol: its table, what it trains and what stores it needs."""
    lines = []
    for name, protocol in PROTOCOLS.items():
        optional = "".join(f", and for a row beside it --{' --'.join(mix)}"
                           for mix in protocol.beside if set(mix) - set(protocol.learns))
        needs = " ".join(f"--{side}" for side in protocol.learns)
        lines.append(f"{name}\n    {protocol.table}: {protocol.about}.\n"
                     f"    configs/{protocol.config}; needs {needs}{optional}")
    return "\n".join(lines)
