"""A paper's downstream protocol over stores: restorers trained row by row, measured, tabled.

The rows of a protocol differ in the pairs that they learn from and in nothing else. Where a row
mixes real and synthetic pairs, every pair is drawn alike, unless ``data.weights`` gives the two
sides' shares: the papers state none.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from senm_jax.data import store as store_
from senm_jax.evaluation import patches, protocols, report, restoration, sections
from senm_jax.inference import stream
from senm_jax.methods import base
from senm_jax.training import loop, runs, tasks, validation
from senm_jax.training import settings as settings_


class Stores(NamedTuple):
    """Paths of patch stores by the names that rows and tables give them."""

    real: Mapping[str, str]
    synthetic: Mapping[str, str]
    tests: Mapping[str, str]
    validation: str = ""


class Row(NamedTuple):
    """One restorer of a table."""

    name: str
    mix: protocols.Mix
    run: pathlib.Path
    """Its folder; of a restorer as it starts, that of ``start``."""
    settings: settings_.Settings | None
    """None where nothing is trained."""


def plan(protocol: protocols.Protocol, config: Any, stores: Stores, out: pathlib.Path) -> list[Row]:
    """The rows of a protocol: first those that are compared with, then what the paper trains.

    A row stands for each store of its side. A mix takes each synthetic store with the only real
    one, or with the real one of its name. ``config`` is a ConfigDict of the protocol's config;
    trainings go to ``out/runs``.

    Raises:
        ValueError: a store is missing, of no use, not a store, or without pairs, or a setting is
            refused.
    """
    _check(protocol, stores)
    plain = config.to_dict()
    if plain["data"]["weights"] and len(protocol.learns) == 1:
        raise ValueError("--config.data.weights: the restorer learns from one side alone, "
                         f"{protocol.learns[0]} pairs; leave it out")
    if plain["best"] and not stores.validation:
        raise ValueError(f"--validation: expected a store of pairs, by which {plain['best']} "
                         "chooses the checkpoint; got none")
    bare = {**plain, "best": "", "data": {**plain["data"], "weights": ()}}
    _check_scale(base.pair_scale(settings_.make_method(settings_.resolve(bare))), stores.tests)
    rows = []
    for mix in (*protocol.beside, protocol.learns):
        if not mix and plain["start"]:
            start = pathlib.Path(plain["start"])
            rows.append(Row(f"as released: {start.name}", mix, start, None))
        for name, paths in _paths(mix, stores).items():
            weights = plain["data"]["weights"] if len(paths) > 1 else ()
            data = {**plain["data"], "stores": paths, "validation": stores.validation,
                    "weights": weights}
            settings = settings_.resolve({**plain, "data": data})
            folder = out / "runs" / f"{'+'.join(mix)}-{name}"
            rows.append(Row(f"{' + '.join(mix)}: {name}", mix, folder, settings))
    return rows


def train(rows: Sequence[Row]) -> bool:
    """Trains the rows that are not trained yet, each from where it was; False where it was stopped.

    All are prepared before the first begins, so that what is wrong with the last is told at once.

    Raises:
        ValueError: as `training.loop.train`.
    """
    for row in rows:
        if row.settings:
            tasks.prepare(row.settings, row.run)
        else:
            runs.read_config(row.run)
    return all(loop.train(row.settings, row.run).step >= row.settings.steps
               for row in rows if row.settings)


def measure(
    rows: Sequence[Row], stores: Stores, **options
) -> dict[str, list[restoration.Result]]:
    """By test store, the results of the rows' restorers in order, each at its chosen checkpoint.

    ``options`` are those of `restoration.evaluate`.
    """
    opened = [runs.open(row.run) for row in rows]
    return {
        test: [stream.precisely(restoration.evaluate, run, store_.Store.open(path),
                                name=row.name, **options)
               for run, row in zip(opened, rows, strict=True)]
        for test, path in stores.tests.items()
    }


def of_protocol(
    name: str, rows: Sequence[Row], results: Mapping[str, Sequence[restoration.Result]]
) -> list[report.Section]:
    """The report: the protocol's table, then each test store's own section."""
    protocol = protocols.find(name)
    figures = [column for column in sections.RESTORER_COLUMNS
               if column.key.startswith("restored_")
               and all(column.key in each[0].rows[patches.ALL] for each in results.values())]
    columns = [report.Column("row", "learnt from")]
    columns += [column._replace(key=f"{test}/{column.key}", label=f"{test}: {column.label}")
                for test in results for column in figures]
    table = report.Table(protocol.table, columns, [
        {"row": row.name} | {f"{test}/{key}": value for test, each in results.items()
                             for key, value in each[i].rows[patches.ALL].items()}
        for i, row in enumerate(rows)
    ])
    head = report.Section(
        f"{name} ({protocol.table})", (protocol.about + ".", *_words(protocol, rows, results)),
        [table],
        data={"protocol": protocol._asdict(), "rows": [
            {"name": row.name, "mix": row.mix, "run": row.run,
             "settings": row.settings and settings_.plain(row.settings)}
            for row in rows
        ]},
    )
    return [head, *(sections.of_restorers(each, title=test) for test, each in results.items())]


def _words(
    protocol: protocols.Protocol, rows: Sequence[Row],
    results: Mapping[str, Sequence[restoration.Result]],
) -> list[str]:
    """The paragraphs that say how the rows were made, and what was left out."""
    settings = rows[-1].settings
    chosen = (f"that of the best {settings.best}, on {validation.CROPS} centre crops spread over "
              f"{settings.data.validation}") if settings.best else "the last"
    words = [f"Rows are trained by one config, {settings.steps} steps each; the checkpoint is "
             f"{chosen}."]
    if len(protocol.learns) > 1:
        weights = settings.data.weights
        words.append(f"Real and synthetic pairs are mixed {weights[0]:g} to {weights[1]:g}."
                     if weights else "Of real and synthetic pairs each is drawn alike.")
    missing = [mix for mix in protocol.beside if mix not in {row.mix for row in rows}]
    words += [f"The row of {' + '.join(mix) or 'the restorer as it starts'} is left out: "
              f"{'no such store' if mix else 'no config.start'} was given." for mix in missing]
    first = next(iter(results.values()))[0].rows[patches.ALL]
    if "restored_lpips" not in first:
        words.append("LPIPS is left out: no weights were given (--lpips).")
    return words


def _paths(mix: protocols.Mix, stores: Stores) -> dict[str, tuple[str, ...]]:
    """Paths that a mix's rows learn from, by the rows' names; empty where a side has no store."""
    if mix != (protocols.REAL, protocols.SYNTHETIC):
        return {name: (path,) for side in mix for name, path in getattr(stores, side).items()}
    found = {}
    for name, path in stores.synthetic.items():
        partner = name if len(stores.real) > 1 else next(iter(stores.real))
        if partner not in stores.real:
            raise ValueError(
                f"--synthetic {name}={path}: with several real stores, expected one of them to "
                f"have its name, got {', '.join(stores.real)}; name both as NAME=STORE"
            )
        found[name] = (stores.real[partner], path)
    return found


def _check(protocol: protocols.Protocol, stores: Stores) -> None:
    """ValueError unless there is a store of pairs for each use, and none without a use."""
    for side in (protocols.REAL, protocols.SYNTHETIC):
        given = getattr(stores, side)
        if side in protocol.learns and not given:
            raise ValueError(f"--{side}: expected a store of {side} pairs, from which the "
                             f"restorer of {protocol.table} learns; got none")
        if given and side not in protocol.uses:
            raise ValueError(f"--{side}: {protocol.table} learns from "
                             f"{' and '.join(sorted(protocol.uses))} pairs alone; leave it out")
    if not stores.tests:
        raise ValueError("--test: expected at least one NAME=STORE, got none")
    for flag, paths in (("real", stores.real.values()), ("synthetic", stores.synthetic.values()),
                        ("validation", filter(None, [stores.validation])),
                        ("test", stores.tests.values())):
        for path in paths:
            have = store_.Store.open(path).domains
            if "paired" not in have:
                raise ValueError(f"--{flag} {path}: expected a store of pairs, but it holds "
                                 f"{', '.join(have)} patches alone; senm-jax prepare and "
                                 "synthesize write pairs")


def _check_scale(scale: int, tests: Mapping[str, str]) -> None:
    """ValueError unless the pairs that are measured are of the restorer's scale."""
    for name, path in tests.items():
        have = store_.Store.open(path).scale
        if have != scale:
            raise ValueError(
                f"--test {name}={path}: holds pairs whose clean side is {have} times the noisy "
                f"one, and the restorer enlarges {scale} times; name a store of such pairs"
            )
