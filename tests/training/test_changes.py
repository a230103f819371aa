"""What may change when a run goes on, and what may not."""

from training import toy

from senm_jax.training import changes, settings


def resolved(**changed):
    return settings.resolve(toy.config("store", **changed))


def test_what_may_change_in_a_run_and_what_may_not():
    before = resolved()
    later = resolved(steps=99, log_every=7, keep=5, data__stores=("elsewhere",))
    assert changes.forbidden(before, later) == {}
    other = resolved(seed=4, hyper={"noise": 0.2})
    assert changes.forbidden(before, other) == {
        "seed": (3, 4), "hyper.noise": (0.05, 0.2),
    }


def test_the_length_of_a_cosine_may_not_change():
    before = resolved(optimisers__judge__schedule="cosine")
    after = resolved(optimisers__judge__schedule="cosine", steps=99)
    assert changes.forbidden(before, after) == {"steps": (6, 99)}
