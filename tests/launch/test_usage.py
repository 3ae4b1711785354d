"""Help, versions, configurations by name, and flags that are misspelt."""

import dataclasses
import re
import subprocess
import sys

import pytest
from started import forked, run

from rclicks_jax.settings import benchmark, click_maps, docs, evaluation, training

SETTINGS = {
    "benchmark": benchmark.BenchmarkConfig,
    "train": training.TrainConfig,
    "evaluate": evaluation.EvaluateConfig,
}
CONFIGS = {
    "benchmark": "benchmark",
    "train": "train_clickability",
    "evaluate": "evaluate_click_models",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_help_explains_every_setting_with_its_default(name):
    shown = " ".join(forked(name, "--help").stdout.split())
    for field in dataclasses.fields(SETTINGS[name]):
        entry = rf"--config\.{field.name} \(([^)]*)\) (\S[^.]*[.;:])"
        found = re.search(entry, shown)
        assert found, field.name
        if field.default not in ("", ()):
            assert "default" in found[1]


@pytest.mark.parametrize(
    "settings",
    [*SETTINGS.values(), click_maps.ClickMapsConfig],
    ids=lambda s: s.__name__,
)
def test_every_setting_is_explained_in_sentences(settings):
    for each in docs.describe(settings):
        assert each.text[0].isupper(), each
        assert each.text.endswith("."), each
        assert "`" not in each.text


def test_the_version_is_the_installed_one():
    done = run("data", "--version")
    assert done.returncode == 0
    assert re.match(r"rclicks-jax \d+\.\d+\.\d+, jax \d", done.stdout)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_configuration_goes_by_its_name_from_anywhere(name, tmp_path):
    module = CONFIGS[name]
    mine = tmp_path / "mine.py"
    mine.write_text(
        f"from rclicks_jax.configs import {module}\nget_config = {module}.get_config\n"
    )
    values = ["tiny", f"{module}:tiny", f"configs/{module}.py:tiny", f"{mine}:tiny"]
    # Flags are parsed once in a process.
    code = f"""
import dataclasses, os
from absl import flags
from rclicks_jax.configs import {module} as packaged
from rclicks_jax.launch import {name}
expected = dataclasses.asdict(packaged.VARIANTS["tiny"]) | {{"seed": 9}}
for value in {values}:
    child = os.fork()
    if not child:
        flags.FLAGS(["x", f"--config={{value}}", "--workdir=x", "--config.seed=9"])
        assert {name}._CONFIG.value == expected, (value, {name}._CONFIG.value)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, value
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--workdir is missing. Folder of the run"),
        (("--workdr=x",), "There is no --workdr. Do you mean --workdir?"),
        (("--workdir=x", "--config.sed=1"), "Do you mean --config.seed"),
        (("--workdir=x", "--config.seed=abc"), "--config.seed: got 'abc'; allowed: a"),
        (("--workdir=x", "--config.groups=1,a"), "groups: got 'a'; allowed: a whole"),
        (("--workdir=x", "--config=tinny"), "got 'tinny'; allowed: full, tiny, toy"),
        (("--workdir=x", "--config=benchmark:big"), "got 'benchmark:big'; allowed"),
        (("--workdir=x", "--config=evaluate_click_models:tiny"), "allowed: full, tiny"),
        (("--workdir=x", "--config=gone.py"), "--config: there is no file gone.py."),
        (("--workdir=x", "--config=syntax.py"), "syntax.py, line 2 cannot be used"),
        (("--workdir=x", "--config=raises.py"), "raises.py, line 3 cannot be used"),
        (("--workdir=x", "--config=empty.py"), "It must have get_config()"),
        (("--workdir=x", "--config=other.py"), "unheard_of; allowed: baseline"),
    ],
)
def test_what_cannot_be_parsed_is_one_sentence(flags, message, tmp_path, monkeypatch):
    (tmp_path / "syntax.py").write_text("x = 1\ndef get_config(:\n")
    (tmp_path / "raises.py").write_text("def get_config():\n    x = {}\n    x['a']\n")
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text(
        "def get_config():\n    return {'unheard_of': 1}"
    )
    monkeypatch.chdir(tmp_path)
    done = forked("benchmark", *flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_may_hold_some_of_the_settings(tmp_path):
    (tmp_path / "some.py").write_text("def get_config():\n    return {'repeats': 0}\n")
    done = forked(
        "benchmark", "--workdir=x", "--segmenter=noisy", "--data=sample",
        "--config.pictures=0", f"--config={tmp_path / 'some.py'}",
    )  # fmt: skip
    assert "repeats" in done.stderr
    assert done.returncode == 2


def test_what_was_not_chosen_is_said():
    done = forked("benchmark", "--workdir=x", "--config.protocol=none")
    assert "--data was not given; used is the sample dataset" in done.stderr
    assert "--segmenter was not given; used is random_walker" in done.stderr
    done = forked("benchmark", "--workdir=x", "--config.protocol=none", "--data=sample",
               "--config.segmenter=noisy")  # fmt: skip
    assert "not given" not in done.stderr


@pytest.mark.long
def test_a_dry_run_says_how_long_it_would_take(tmp_path):
    done = forked(
        "benchmark", "--dry_run", "--config=tiny", "--data=sample", "--segmenter=noisy",
        f"--workdir={tmp_path / 'run'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "noisy on sample: 3 images, 23 objects; protocol paper" in done.stdout
    assert re.search(
        r"Estimate: \S+ s an object, \d:\d\d:\d\d \(h:mm:ss\)", done.stdout
    )
    assert not (tmp_path / "run").exists()
