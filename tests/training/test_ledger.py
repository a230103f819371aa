import jax.numpy as jnp

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
