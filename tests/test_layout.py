"""The tree is laid out as BUILD.md says: rooms, imports, sizes, docstrings, a quick front door."""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "senm_jax"
ROOMS = [
    "ops", "metrics", "degradations", "nn", "methods", "data", "training", "inference",
    "evaluation", "interop", "cli",
]
MOST_LINES = 250
MOST_FUNCTION_LINES = 60


def sources(folder):
    return [
        pytest.param(path, id=str(path.relative_to(ROOT)))
        for path in sorted(folder.rglob("*.py"))
        if not any(part.startswith((".", "__pycache__")) for part in path.relative_to(ROOT).parts)
    ]


MODULES = sources(PACKAGE)
CONFIGS = sources(ROOT / "configs")


def parse(path):
    return ast.parse(path.read_text(), str(path))


def imported(node):
    """Dotted names of modules that an import statement brings in; "." stands for relative."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level:
        return ["."]
    return [f"{node.module}.{alias.name}" for alias in node.names]


def imports(tree):
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]


def room_of(dotted):
    parts = dotted.split(".")
    return parts[1] if parts[0] == "senm_jax" and len(parts) > 1 and parts[1] in ROOMS else None


def functions(tree):
    return [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def test_rooms_are_all_there():
    found = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert found == set(ROOMS)


@pytest.mark.parametrize("path", MODULES)
def test_a_room_imports_only_rooms_below_it(path):
    parts = path.relative_to(PACKAGE).parts
    if len(parts) == 1:
        return
    allowed = ROOMS[: ROOMS.index(parts[0]) + 1]
    for node in imports(parse(path)):
        for name in imported(node):
            assert name != ".", f"line {node.lineno}: relative import"
            room = room_of(name)
            assert room is None or room in allowed, f"line {node.lineno}: {parts[0]} imports {name}"


def test_modules_of_a_room_import_each_other_without_a_cycle():
    graph = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        graph[dotted] = {name for node in imports(parse(path)) for name in imported(node)}
    done = set()

    def visit(name, trail):
        assert name not in trail, " imports ".join([*trail[trail.index(name):], name])
        for target in sorted(graph[name] & graph.keys()) if name not in done else ():
            visit(target, [*trail, name])
        done.add(name)

    for name in graph:
        visit(name, [])


@pytest.mark.parametrize("path", MODULES)
def test_no_import_hides_in_a_function(path):
    tree = parse(path)
    if path.parent.name == "cli":
        return  # so that --help is instant and never starts JAX
    for function in functions(tree):
        hidden = imports(function)
        assert not hidden, f"line {hidden[0].lineno}: import inside {function.name}"


@pytest.mark.parametrize("path", MODULES)
def test_sizes(path):
    tree = parse(path)
    assert len(path.read_text().splitlines()) <= MOST_LINES
    for function in functions(tree):
        lines = function.end_lineno - function.lineno + 1
        most = MOST_FUNCTION_LINES if function.name != "get_config" else 120
        assert lines <= most, f"{function.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES)
def test_everything_public_has_a_docstring(path):
    tree = parse(path)
    assert ast.get_docstring(tree), "the file has none"
    inside = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    members = [m for owner in inside if not owner.name.startswith("_") for m in owner.body]
    for node in [*tree.body, *members]:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        private = node.name.startswith("_") or node.name == "setup"  # Flax's second __init__
        hook = path.parent.name == "cli" and node.name in ("add_arguments", "run")
        if not (private or hook):
            assert ast.get_docstring(node), f"line {node.lineno}: {node.name} has none"


@pytest.mark.parametrize("path", CONFIGS)
def test_configs_do_not_import_the_package(path):
    for node in imports(parse(path)):
        for name in imported(node):
            assert name.split(".")[0] in ("configs", "ml_collections"), name


def quick(*arguments):
    """Output and CPU seconds of ``senm-jax ARGUMENTS``; fails if it imports what is slow."""
    code = (
        "import runpy, sys\n"
        "sys.argv = ['senm-jax', *sys.argv[1:]]\n"
        "try:\n    runpy.run_module('senm_jax', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'jax', 'flax', 'numpy', 'orbax', 'grain', 'cv2', 'skimage'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True
    )
    after = os.times()
    assert done.returncode == 0, done.stderr
    user, system = (getattr(after, name) - getattr(before, name)
                    for name in ("children_user", "children_system"))
    return done.stdout, user + system


def commands():
    main = parse(PACKAGE / "cli" / "main.py")
    assigned = {n.targets[0].id: n.value for n in main.body if isinstance(n, ast.Assign)}
    return sorted(ast.literal_eval(assigned["COMMANDS"]))


def test_help_is_quick_and_lists_every_command():
    output, seconds = quick("--help")
    assert seconds < 1, f"{seconds:.2f} CPU seconds"
    for name in commands():
        assert name in output


@pytest.mark.parametrize("name", commands())
def test_help_of_a_command_is_quick(name):
    output, seconds = quick(name, "--help")
    assert seconds < 1, f"{seconds:.2f} CPU seconds"
    assert f"usage: senm-jax {name}" in output


def test_every_command_has_a_file_and_every_file_a_command():
    files = {path.stem for path in (PACKAGE / "cli").glob("*.py")} - {"__init__", "main"}
    assert files == {name.replace("-", "_") for name in commands()}


def test_importing_the_package_starts_nothing():
    code = "import sys, senm_jax; assert not {'jax', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
