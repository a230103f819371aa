import pathlib

import pytest

from senm_jax.evaluation import protocols
from senm_jax.training import overrides, settings

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("preset", ["", ":cpu", ":tiny"])
@pytest.mark.parametrize("name", protocols.PROTOCOLS)
def test_the_config_of_a_protocol_is_of_a_restorer_at_every_size(name, preset):
    protocol = protocols.find(name)
    config = settings.resolve(overrides.load(f"{CONFIGS / protocol.config}{preset}"))
    assert settings.make_method(config).restore
    assert config.data.rows["paired"] and not config.data.weights
    gan = config.method == "esrgan"
    assert config.best == ("" if gan else "validation/restored_psnr")
    assert protocol.learns and set(protocol.learns) <= {protocols.REAL, protocols.SYNTHETIC}


def test_a_smaller_size_is_of_the_same_recipe():
    def recipe(preset):
        return settings.resolve(overrides.load(f"{CONFIGS / 'dncnn/sidd_naflow.py'}{preset}"))

    whole, small = recipe(""), recipe(":cpu")
    assert whole.hyper["architecture"]["depth"] == 20 and whole.steps == 600_000
    assert whole.hyper["loss"] == small.hyper["loss"] == "mse"
    adams = [each.optimisers["restorer"] for each in (whole, small)]
    assert {(adam.b1, adam.b2, adam.decay) for adam in adams} == {(0.5, 0.9, 0.1)}
    falls = [adam.halve_at[0] / each.steps for adam, each in zip(adams, (whole, small))]
    assert falls[0] == pytest.approx(falls[1]) == pytest.approx(1 / 3)


def test_the_listing_says_table_config_and_stores_of_each():
    text = protocols.listing()
    for name, protocol in protocols.PROTOCOLS.items():
        assert f"{name}\n    {protocol.table}: " in text and f"configs/{protocol.config}" in text
    assert "configs/drunet/sidd.py; needs --real --synthetic\n" in text
    assert "needs --synthetic, and for a row beside it --real" in text


def test_of_an_unknown_name_the_nearest_is_told():
    with pytest.raises(ValueError, match="did you mean 'naflow-sidd'"):
        protocols.find("naflow-sid")
