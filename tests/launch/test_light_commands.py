"""Help, lists and refusals start fast: they import nothing heavy."""

import json
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "programs/light_commands.py"
HEAVY = {
    "cv2", "flax", "grain", "jax", "jaxlib", "matplotlib", "optax", "orbax", "pandas",
    "scipy", "tensorflow_datasets",
}  # fmt: skip
HOSTS = {"benchmark", "train", "evaluate", "click_maps"}
HELP = {
    (name, "--help"): f"rclicks-{name.replace('_', '-')}"
    for name in (*sorted(HOSTS), "collect", "convert", "data", "segmenters", "tabulate")
}
READ = {
    ("data", "doctor", "--help"): "rclicks-data",
    ("segmenters", "list"): "random_walker",
    ("segmenters", "show", "random_walker"): "grid",
    ("segmenters", "show", "grabcut"): "iterations",
    ("segmenters", "show", "noisy"): "decay",
    ("segmenters", "show", "sam"): "sam_vit_b_01ec64.pth",
}
_RUN = ("benchmark", "--workdir=x", "--config=tiny")
REFUSED = {
    ("benchmark", "--workdr=x"): "There is no --workdr. Do you mean --workdir?",
    ("benchmark", "--workdir=x", "--config.sed=1"): "Do you mean --config.seed",
    (*_RUN, "--config.seed=a"): "--config.seed: got 'a'; allowed: a whole number",
    (*_RUN, "--config.repeats=0"): "--config.repeats: got 0; allowed: 1 or more",
    (*_RUN, "--config.protocol=stict"): "Unknown protocol 'stict'. Do you mean strict",
    (*_RUN, "--segmenter=grabcat"): "Unknown segmenter 'grabcat'. Do you mean grabcut",
    (*_RUN, "--click_model=dt"): "Unknown click model 'dt'. Do you mean DT?",
    (*_RUN, "--data=sampel"): "--data: got 'sampel'; allowed: NAME:DIR",
    ("benchmark", "--workdir=x", "--config=tinny"): "--config: got 'tinny'",
    ("benchmark", "--workdir=x", "--process_id=1"): "got 1 without --coordinator",
    ("click_maps", "--out=x", "--model=dt", "--data=sample"): "Do you mean DT?",
    ("collect", "exprt", "x"): "Do you mean export or report?",
    ("collect", "plan", "x", "--all"): "got --all, which `forget` takes",
    ("convert", "--out=x"): "got --checkpoint= and --model=; allowed: one of the two",
    ("data", "prepare", "sampel"): "--data: got 'sampel'; allowed: NAME:DIR",
    ("evaluate", "--workdir=x", "--click_models=dt", "--data=sample"): "mean DT?",
    ("segmenters", "check", "sam3"): "Unknown segmenter 'sam3'. Do you mean sam",
    ("tabulate", "nowhere"): "nowhere is not a run folder: there is no such folder",
    ("train", "--workdir=x", "--data=sample", "--config.recipe=papr"): "mean paper?",
}
COMMANDS = {
    **dict.fromkeys(HELP, 0), **dict.fromkeys(READ, 0), **dict.fromkeys(REFUSED, 2)
}  # fmt: skip
# Half, and what a busy machine adds.
MOST = 0.6
# Fifty commands are started.
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What each command did, by its words."""
    ended = subprocess.run(
        [sys.executable, PROGRAM, "0.5"],
        input=json.dumps(list(COMMANDS)),
        capture_output=True,
        text=True,
        cwd=tmp_path_factory.mktemp("light"),
    )
    assert ended.returncode == 0, ended.stderr
    return dict(zip(COMMANDS, json.loads(ended.stdout), strict=True))


def test_nothing_heavy_is_imported(results):
    for words, result in results.items():
        assert result["status"] == COMMANDS[words], (words, result["said"])
        assert not HEAVY & {*result["modules"]}, words


def test_a_command_costs_half_of_what_importing_jax_costs(results):
    slow = {words: r["share"] for words, r in results.items() if r["share"] > MOST}
    assert not slow


def test_help_begins_with_the_command_and_explains_flags_of_hosts(results):
    for words, start in HELP.items():
        said = results[words]["said"]
        assert said.startswith(start)
        assert ("--coordinator" in said) == (words[0] in HOSTS)


def test_what_there_is_to_read_is_shown(results):
    for words, shown in READ.items():
        assert shown in results[words]["said"], words


def test_what_is_wrong_with_a_flag_is_one_sentence(results):
    for words, said in REFUSED.items():
        assert said in results[words]["said"], words
        last = results[words]["said"].splitlines()[-1]
        assert last.startswith("error: "), words
        assert "Traceback" not in results[words]["said"]
