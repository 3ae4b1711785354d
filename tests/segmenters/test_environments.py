import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import zipfile

import pytest

from rclicks_jax import cache, errors
from rclicks_jax.segmenters import environments, methods
from rclicks_jax.segmenters.environments import MARKER, Request


def wheel(folder, name="pebble", version="1.0"):
    """Writes a wheel of one empty module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\n"
        f"Version: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            file.writestr(path, text)


def pebbles_in(folder, patch):
    """Returns an environment of a small wheel, from a folder and from nowhere else."""
    patch.setenv(cache.VARIABLE, str(folder / "cache"))
    wheels = folder / "wheels"
    wheel(wheels, version="1.0")
    wheel(wheels, version="2.0")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        patch.delenv(name, raising=False)
    requirements = folder / "pebbles.txt"
    requirements.write_text(f"--no-index\n--find-links {wheels.as_uri()}\npebble\n")
    return methods.Environment("pebbles", requirements, ("pebble",))


@pytest.fixture
def pebbles(tmp_path, monkeypatch):
    return pebbles_in(tmp_path, monkeypatch)


def version_in(python):
    command = [str(python), "-c", "import pebble; print(pebble.version)"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


class Remade:
    """An environment that failed and was made anew, with what was seen meanwhile."""

    def __init__(self, pebbles):
        self.pebbles, self.found = pebbles, [environments.find(pebbles)]
        broken = dataclasses.replace(pebbles, imports=("pebble", "boulder"))
        with pytest.raises(errors.SegmenterError) as raised:
            environments.make(Request(broken), say=str)
        self.failure = str(raised.value)
        self.request = Request(pebbles, pins=("pebble==1.0",))
        self.versions = [version_in(self.request.interpreter)]
        self.found.append(environments.find(pebbles))
        (self.request.place / "left_behind").write_text("")
        self.said = []
        self.python = environments.make(self.request, say=self.said.append)
        self.versions.append(version_in(self.python))
        self.found.append(environments.find(pebbles))


@pytest.fixture(scope="module")
def remade(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield Remade(pebbles_in(tmp_path_factory.mktemp("remade"), patch))


@pytest.mark.long
def test_an_environment_is_made_once_and_found(remade):
    assert [line.split()[2] for line in remade.said] == ["-m", "-m", "-c"]
    assert remade.found[2] == remade.python == remade.request.interpreter
    again = []
    assert environments.make(remade.request, say=again.append) == remade.python
    assert again == []
    changed = remade.pebbles.requirements.with_name("changed.txt")
    changed.write_text(remade.pebbles.requirements.read_text() + "# new\n")
    other = dataclasses.replace(remade.pebbles, requirements=changed)
    assert environments.find(other) is None


@pytest.mark.long
def test_what_failed_is_not_used_and_made_anew(remade):
    assert re.search(r"import pebble.*status 1.*--pin", remade.failure)
    assert remade.found[:2] == [None, None]
    # A pin moves the version.
    assert remade.versions == ["2.0", "1.0"]
    assert not (remade.request.place / "left_behind").exists()


def test_a_folder_of_something_else_is_left_alone(pebbles, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").write_text("dear")
    with pytest.raises(errors.BadValueError, match="holds other files"):
        environments.make(Request(pebbles, tmp_path / "home"), say=str)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter"]


def test_a_lost_interpreter_is_no_environment(pebbles):
    request = Request(pebbles)
    request.place.mkdir(parents=True)
    made = environments._identity(request)
    (request.place / MARKER).write_text(json.dumps(made))
    assert environments.find(pebbles) is None


def test_a_place_that_cannot_be_written_says_what_to_set(
    pebbles, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    with pytest.raises(errors.SegmenterError, match=r"--dir=DIR or \$RCLICKS_CACHE"):
        environments.make(Request(pebbles), say=str)


def test_a_dry_run_prints_commands_and_does_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    said = []
    environment = methods.find("simpleclick").environment
    request = Request(environment, wheels="cpu", pins=("torch==2.13.0", "numpy<3"))
    environments.make(request, dry_run=True, say=said.append)
    made, pytorch, rest, last, imports = said
    assert made.startswith(f"$ {sys.executable} -m venv {tmp_path}/environments/")
    index = "--index-url https://download.pytorch.org/whl/cpu"
    assert f"{index} 'torch>=2.6' 'torchvision>=0.16' torch==2.13.0" in pytorch
    assert "numpy" not in pytorch
    assert rest.endswith("isegm_mmcv.txt torch==2.13.0 'numpy<3'")
    assert last.endswith("--no-deps --no-build-isolation mmcv==1.7.2")
    assert "mmcv.parallel" in imports
    assert list(tmp_path.iterdir()) == []


def test_without_wheels_pip_decides(tmp_path):
    environment = methods.find("sam").environment
    commands = environments.commands(Request(environment, tmp_path))
    assert not any("--index-url" in command for command in commands)
    mirror = Request(environment, tmp_path, wheels="https://mirror/whl/cu126")
    assert "https://mirror/whl/cu126" in environments.commands(mirror)[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wheels": "gpu"}, r"--wheels: got 'gpu'.*cu126"),
        ({"pins": ("--target=/",)}, r"--pin: got '--target=/'.*torch==2.13.0"),
        ({"pins": ("torch",)}, "--pin: got 'torch'"),
        (
            {"python": "/no/such/python"},
            r"--python: got /no/such/python \(No such file or directory: [^\[]*\);",
        ),
        ({"python": "/bin/echo"}, r"--python: got /bin/echo \(it is not a Python\);"),
    ],
)
def test_wrong_settings_are_named(changes, message):
    environment = methods.find("sam").environment
    with pytest.raises(errors.BadValueError, match=message):
        environments.make(Request(environment, **changes), dry_run=True)


def test_an_old_python_is_refused(tmp_path):
    python = tmp_path / "python3.8"
    python.write_text("#!/bin/sh\necho 3.8\n")
    python.chmod(0o755)
    environment = methods.find("sam").environment
    with pytest.raises(errors.BadValueError, match=r"got 3.8; allowed: 3.9 or newer"):
        environments.make(Request(environment, python=str(python)), dry_run=True)


def test_requirements_ship_with_the_package():
    shipped = (pathlib.Path(methods.__file__).parent / "requirements").glob("*.txt")
    used = {m.environment.requirements for m in methods.catalogue().methods.values()}
    assert set(shipped) == used
