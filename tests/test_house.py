"""The house: imports fall one way, heavy packages enter by one door, nothing happens at import."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = ("app", "eval", "coach", "grading", "knowledge", "prompts")
ALLOWED = {
    "app": {"eval", "coach", "grading", "knowledge", "prompts"},
    "eval": {"coach", "grading", "knowledge", "prompts"},
    "coach": {"grading", "knowledge", "prompts"},
    "grading": {"knowledge", "prompts"},
    "knowledge": set(),
    "prompts": set(),
}
DOORS = {
    "gradio": ("app/pages/",),
    "torch": ("coach/", "knowledge/"),
    "transformers": ("coach/",),
    "faiss": ("knowledge/",),
    "sentence_transformers": ("knowledge/",),
    "jieba": ("knowledge/text.py",),
    "opencc": ("knowledge/text.py",),
    "sqlalchemy": ("app/records/",),
    "alembic": ("app/records/",),
    "sklearn": ("grading/train", "grading/rewrite_train.py", "eval/"),
    "scipy": ("grading/train", "grading/rewrite_train.py", "eval/"),
    "ray": ("eval/spread_ray.py",),
    "plotly": ("eval/",),
    "ir_measures": ("eval/",),
    "openai": ("coach/",),
}
HEAVY = {"torch", "gradio", "transformers", "sklearn", "sentence_transformers", "faiss", "plotly"}
FILES = sorted(path for name in ORDER for path in (ROOT / name).rglob("*.py"))


def imported(path):
    """Every absolute module a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module)
    return found


@pytest.mark.parametrize("package", ORDER)
def test_imports_fall_one_way(package):
    wrong = [
        (str(path.relative_to(ROOT)), module)
        for path in (ROOT / package).rglob("*.py")
        for module in imported(path)
        if module.split(".")[0] in set(ORDER) - ALLOWED[package] - {package}
    ]
    assert wrong == []


@pytest.mark.parametrize("heavy", DOORS)
def test_a_heavy_package_enters_by_its_door_only(heavy):
    wrong = [
        str(path.relative_to(ROOT))
        for path in FILES
        if any(module.split(".")[0] == heavy for module in imported(path))
        and not str(path.relative_to(ROOT)).startswith(DOORS[heavy])
    ]
    assert wrong == []


def test_the_product_never_imports_its_tests_or_eval_from_below():
    for path in FILES:
        assert not any(module.split(".")[0] == "tests" for module in imported(path)), path


def modules_after(code, stdin=b"", **env):
    """The top-level modules a fresh process holds after running some code."""
    probe = "\nimport sys; sys.stderr.write('MODULES ' + ' '.join({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code + probe], input=stdin, capture_output=True, timeout=60,
        check=True, cwd=ROOT, env=os.environ | env,
    )  # fmt: skip
    return set(done.stderr.decode().rpartition("MODULES ")[2].split())


RUN = "import sys\nfrom app import cli\ntry: cli.main({argv})\nexcept SystemExit: pass"


@pytest.mark.parametrize(
    "argv, stdin",
    [
        pytest.param(["--help"], "", id="help"),
        pytest.param(
            ["grade", "--file", "-", "--json"],
            '{"channel":"chat","history":[{"role":"customer","text":"断网四天了"}],"reply":"您好，我来查。"}',
            id="grade",
        ),
        pytest.param(
            ["play", "broadband-third-call", "--replies", "-", "--json"],
            "您好，我来查。\n",
            id="play",
        ),
        pytest.param(["scenarios", "--json"], "", id="scenarios"),
        pytest.param(["show", "L1.5.S6"], "", id="show"),
    ],
)
def test_a_light_command_loads_nothing_heavy(argv, stdin, tmp_path):
    loaded = modules_after(RUN.format(argv=argv), stdin.encode(), KEFU_HOME=str(tmp_path))
    assert "app" in loaded
    # a talk asks the index after every reply
    assert loaded & HEAVY <= ({"faiss"} if argv[0] == "play" else set())
    if argv[0] in ("--help", "grade"):
        assert "sqlalchemy" not in loaded
    if argv == ["--help"]:
        assert loaded & {"numpy", "grading", "coach"} == set(), "answers at once"


def test_the_guard_sees_a_heavy_package_when_there_is_one():
    assert "faiss" in modules_after("import faiss")


@pytest.mark.parametrize("package", ["coach", "grading", "knowledge", "prompts", "app"])
def test_importing_a_package_reads_no_file_of_data_and_prints_nothing(package):
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts
        and path.stem != "__init__"
        and not any(module.split(".")[0] == "gradio" for module in imported(path))
    ]
    code = (
        "import sys, builtins, pathlib\n"
        "read = pathlib.Path.read_text\n"
        "def spy(self, *a, **k):\n"
        "    if self.suffix in ('.yaml', '.jsonl') or 'data' in self.parts:\n"
        "        raise SystemExit(f'read {self} at import')\n"
        "    return read(self, *a, **k)\n"
        "pathlib.Path.read_text = spy\n"
        f"for name in {names!r}: __import__(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, timeout=120, cwd=ROOT,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-400:]
    assert done.stdout == b""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short_and_says_what_it_knows(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 400
    if "versions" not in path.parts:
        assert ast.get_docstring(ast.parse(text)), "a module says what it knows"


def test_no_code_swallows_everything_or_prints():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                names = (
                    {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
                    if node.type
                    else set()
                )
                assert node.type and not names & {"Exception", "BaseException"}, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", path


def test_data_keeps_real_characters():
    for name in ORDER:
        for path in (ROOT / name).rglob("data/**/*"):
            if path.suffix in (".yaml", ".jsonl", ".txt"):
                assert "\\u4e" not in path.read_text(encoding="utf-8"), path
