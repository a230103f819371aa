import math

import jax.numpy as jnp
import pytest

from senm_jax.training import ledger


def test_a_window_stays_what_it_was_when_it_was_asked_for():
    book = ledger.Ledger(["a/loss"], {})
    book.enter(1, {"a/loss": jnp.float32(1.0)})
    book.settle()
    window = book.window  # a checkpoint writes it while training goes on
    book.enter(2, {"a/loss": jnp.float32(2.0)})
    book.settle()
    assert window == {"count": 1, "sums": {"a/loss": 1.0}}
    assert ledger.Ledger(["a/loss"], window).window == window
    assert book.close() == {"a/loss": 1.5}


def _step(skipped, loss=1.0, norm=1.0, other=1.0):
    values = {"other": other, "loss": loss, "grad_norm": norm, "skipped": skipped}
    return {f"a/{name}": jnp.float32(value) for name, value in values.items()}


def _book(*steps, most):
    book = ledger.Ledger(list(_step(0)), {}, {"a": most})
    for number, metrics in enumerate(steps, start=1):
        book.enter(number, metrics)
        book.settle()
    return book


def test_a_skipped_step_is_in_no_mean_and_too_many_stop_the_run():
    nan = float("nan")
    row = _book(_step(0, 3.0), _step(1, nan, nan), _step(1, 5.0), most=1).close()
    assert row["a/loss"] == 4.0 and row["a/skipped"] == 1.0
    with pytest.raises(ledger.NotFinite, match=r"step 2: 2 updates of a .*skip_not_finite, 1"):
        _book(_step(1, nan), _step(2, 1.0, nan), most=1)
    with pytest.raises(ledger.NotFinite, match="step 1: a's loss is nan"):
        _book(_step(1, nan, nan), most=0)
    with pytest.raises(ledger.NotFinite, match="step 1: a's other is nan"):
        _book(_step(0, other=nan), most=5)  # the update was not skipped
    assert math.isnan(_book(_step(1, nan, nan), most=1).close()["a/loss"])
