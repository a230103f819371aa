import pytest
from ml_collections import config_dict

from senm_jax.training import overrides


def config():
    rate = config_dict.FieldReference(0.5)
    return config_dict.ConfigDict({
        "steps": 10, "best": "", "rate": rate, "twice": rate * 2, "on": False,
        "data": {"stores": ("a",), "weights": (), "crop": 64},
        "hyper": {"kl_weight": 0.1, "levels": (1, 2), "path": None},
    }).lock()


@pytest.mark.parametrize("key, text, value", [
    ("steps", "1_000", 1000), ("best", "validation/x", "validation/x"), ("on", "true", True),
    ("hyper.kl_weight", "1e-4", 1e-4), ("hyper.kl_weight", "2", 2.0),
    ("hyper.levels", "3,4,5", (3, 4, 5)), ("hyper.levels", "(7,)", (7,)),
    ("hyper.levels", "(7)", (7,)), ("data.stores", "('x/y')", ("x/y",)),
    ("hyper.levels", "", ()), ("data.stores", "x,y z", ("x", "y z")),
    ("data.stores", "['x', 'y']", ("x", "y")), ("data.weights", "0.5,2", (0.5, 2)),
    ("hyper.path", "some/file.npz", "some/file.npz"), ("hyper.path", "3", 3),
])
def test_values_take_the_type_of_what_they_replace(key, text, value):
    changed = overrides.apply(config(), [(key, text)])
    for part in key.split("."):
        changed = changed[part]
    assert changed == value and type(changed) is type(value)


def test_a_value_that_follows_another_follows_it():
    assert overrides.apply(config(), [("rate", "0.25")]).twice == 0.5


@pytest.mark.parametrize("key, text, message", [
    ("stepz", "3", r"--config\.stepz: no such setting; did you mean --config\.steps\?"),
    ("data.crpo", "3", r"did you mean --config\.data\.crop\?"),
    ("kl_weight", "3", r"did you mean --config\.hyper\.kl_weight\?"),
    ("steps.more", "3", r"--config\.steps\.more: no such setting"),
    ("data", "3", r"--config\.data: expected one of its settings, as --config\.data\.\w+=3"),
    ("steps", "many", r"--config\.steps: expected a whole number, as 10 is, got 'many'"),
    ("steps", "1.5", r"--config\.steps: expected a whole number"),
    ("on", "maybe", r"--config\.on: expected true or false"),
    ("hyper.levels", "1,b", r"--config\.hyper\.levels: expected a list of int"),
    ("hyper.levels", "(1,", r"--config\.hyper\.levels: expected a list of int"),
    ("hyper.levels", "(None,)", r"--config\.hyper\.levels: expected a list of int"),
])
def test_what_does_not_fit_is_refused_by_name(key, text, message):
    with pytest.raises(ValueError, match=message):
        overrides.apply(config(), [(key, text)])


def test_words_are_told_apart():
    words = ["train", "--config.a.b=1=2", "--workdir", "w", "--config.c", "-3", "--config", "f:p"]
    assert overrides.split(words) == (
        ["train", "--workdir", "w", "--config", "f:p"], [("a.b", "1=2"), ("c", "-3")])
    with pytest.raises(ValueError, match="--config.a: expected a value"):
        overrides.split(["--config.a"])


def test_config_files_are_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="found no file .*gone.py"):
        overrides.load(f"{tmp_path}/gone.py:tiny")
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(ValueError, match=r"empty.py: expected a function get_config"):
        overrides.load(f"{tmp_path}/empty.py")
    for source, message in [
        ("def get_config(): pass", "expected a function get_config.preset."),
        ("def get_config(arg): return {}", "expected a ConfigDict .* got dict"),
    ]:
        (tmp_path / "odd.py").write_text(source)
        with pytest.raises(ValueError, match=f"odd.py: {message}"):
            overrides.load(f"{tmp_path}/odd.py")


def test_a_config_file_gets_its_preset_and_finds_the_shared_blocks(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from configs import common\n"
        "def get_config(arg=''):\n"
        "    common.preset(arg, ('tiny',))\n"
        "    return common.experiment(method=arg, hyper={}, optimisers={}, data={}, steps=1)\n")
    assert overrides.load(f"{tmp_path}/mine.py:tiny").method == "tiny"
    with pytest.raises(ValueError, match="preset: expected one of tiny or none, got 'huge'"):
        overrides.load(f"{tmp_path}/mine.py:huge")
