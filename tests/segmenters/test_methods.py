import ast
import pathlib
import re
import typing

import pytest

from rclicks_jax import errors, registry
from rclicks_jax.bridge.switches import Switches
from rclicks_jax.segmenters import actions, catalogue_text, environments, methods
from rclicks_jax.segmenters import specs as segmenter_specs
from rclicks_jax.segmenters.native import simpleclick
from rclicks_jax.settings import docs

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ADAPTERS = ROOT / "rclicks_jax" / "bridge" / "adapters"
METHODS = methods.catalogue().methods
# Readers of `adapters.options.Options` whose option has a fixed name.
FIXED = {"device", "batch", "dataset"}
NAMED = {"text", "choice", "number", "switch", "path"}


def modules(name):
    """Yields the syntax trees of an adapter and of the adapters it is made of."""
    tree = ast.parse((ADAPTERS / f"{name}.py").read_text())
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and "adapters" in (node.module or ""):
            inner = node.module.rpartition("adapters")[2].strip(".")
            names = [inner] if inner else [alias.name for alias in node.names]
            for each in names:
                if each != "options":
                    yield from modules(each)


def options_read(name):
    """Returns the options that an adapter reads, by its source."""
    found = set()
    for tree in modules(name):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            method = getattr(node.func, "attr", "")
            if method in NAMED and getattr(node.func.value, "id", "") == "given":
                found.add(node.args[0].value)
            if method in FIXED and getattr(node.func.value, "id", "") == "given":
                found.add(method)
    return found


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_an_adapter_that_reads_the_options_it_names(name):
    adapter = METHODS[name].adapter
    assert (ADAPTERS / f"{adapter}.py").exists()
    assert options_read(adapter) == set(METHODS[name].options)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda m: m.name)
def test_every_method_says_where_it_comes_from(method):
    assert method.name not in registry.SEGMENTERS
    assert method.summary.endswith(".")
    assert method.repository.startswith("https://github.com/")
    assert re.fullmatch(r"[0-9a-f]{40}|\d+\.\d+\.\d+", method.version)
    assert method.license
    assert method.checkpoints
    assert {"checkpoint", "device"} <= set(method.options)
    assert not set(method.options) & set(methods.catalogue().worker_options)
    for checkpoint in method.checkpoints:
        assert checkpoint.source.startswith("https://") or (
            "checkout" in checkpoint.source
        )


def switches_read(name):
    """Returns the switches that an adapter takes from its protocol, by its source."""
    return {
        node.attr
        for tree in modules(name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and getattr(node.value, "id", "") == "protocol"
    }


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda m: m.name)
def test_every_method_obeys_the_switches_it_names_and_no_other(method):
    assert switches_read(method.adapter) == {*method.switches} <= {*Switches._fields}


def test_every_switch_is_obeyed_by_some_method():
    obeyed = {switch for method in METHODS.values() for switch in method.switches}
    assert obeyed == {*Switches._fields}


def test_no_adapter_knows_a_protocol_by_its_name():
    for path in ADAPTERS.glob("*.py"):
        names = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant)
        }
        assert not names & {"paper", "strict"}, path.name


def test_every_checkpoint_of_the_paper_has_its_numbers():
    found = [c for m in METHODS.values() for c in m.checkpoints if c.rclicks]
    assert len(found) == 33
    for checkpoint in found:
        assert "TETRIS" in checkpoint.rclicks
        assert all(len(numbers) == 4 for numbers in checkpoint.rclicks.values())


@pytest.mark.parametrize(
    "environment",
    {m.environment.name: m.environment for m in METHODS.values()}.values(),
    ids=lambda environment: environment.name,
)
def test_requirements_are_read_by_pip_and_have_numpy(environment):
    lines = environment.requirements.read_text().splitlines()
    names = [re.split(r"[<>=!~]", line)[0] for line in lines if line[:1] != "#"]
    assert all(re.fullmatch(r"[a-z][a-z0-9_-]*", name) for name in names)
    assert {"torch", "numpy"} <= set(names)
    assert environments.default_folder(environment).name == environment.name


def test_licences_that_forbid_something_are_named():
    assert METHODS["cfr_icl"].license == "CC BY-NC 4.0"
    assert "non-commercial" in METHODS["cfr_icl"].caution
    assert METHODS["transformers_sam3"].license == "SAM License"
    assert METHODS["transformers_sam3"].caution


@pytest.mark.parametrize(
    "name", [*METHODS, *registry.SEGMENTERS, *registry.NATIVE_SEGMENTERS]
)
def test_a_page_has_all_there_is(name, capsys):
    assert actions.show(name) == 0
    page = capsys.readouterr().out
    assert f"rclicks-benchmark --segmenter={name}" in page
    # Every option says what it means before its default.
    assert not re.search(r"^  \w+ +; default", page, re.MULTILINE)
    method = METHODS.get(name)
    if method:
        words = " ".join(page.split())
        for checkpoint in method.checkpoints:
            assert checkpoint.file in page
            assert checkpoint.source in page
        for text in (*method.protocol.values(), method.version, method.license):
            assert text in words
        assert f"it obeys: {', '.join(method.switches) or 'none'}" in words
        for option in (*method.options, *methods.catalogue().worker_options):
            assert re.search(rf"^  {option} ", page, re.MULTILINE)


@pytest.mark.parametrize("name", registry.NATIVE_SEGMENTERS)
def test_a_page_of_a_method_in_jax_says_where_checkpoints_come_from(name):
    page = catalogue_text.page(name)
    assert f"rclicks-segmenters show {name.removeprefix('jax_')} says" in page


def test_values_of_an_option_with_a_choice_are_named():
    described = {each.name: each for each in docs.describe(simpleclick.SimpleClick)}
    assert described["zoom"].kind == "yes or no"


@pytest.mark.parametrize("name", registry.NATIVE_SEGMENTERS)
def test_every_setting_of_a_method_in_jax_is_explained(name):
    module = registry.load_object(registry.NATIVE_SEGMENTERS[name])
    described = docs.describe(typing.get_type_hints(module.load)["return"])
    assert all(each.text.endswith(".") for each in described)


@pytest.mark.parametrize("name", METHODS)
def test_the_command_of_a_page_is_understood(name):
    page = catalogue_text.page(name)
    (spec,) = re.findall(r"--segmenter=(\S+)", page)
    parsed, options = registry.parse_spec(spec)
    assert parsed == name
    methods.check_options(METHODS[name], options)


@pytest.mark.parametrize("name", ["jax_sam", "random_walker"])
def test_what_runs_in_this_process_needs_no_environment(name):
    with pytest.raises(errors.BadValueError, match=f"{name} runs in this process"):
        actions.make_environment(name, dry_run=True)


def test_the_list_names_all(capsys):
    assert actions.show_list() == 0
    lines = capsys.readouterr().out.splitlines()
    listed = {line.split()[0] for line in lines if line.startswith("  ")}
    of_process = {*registry.SEGMENTERS, *registry.NATIVE_SEGMENTERS}
    assert listed == of_process | {*METHODS}


def test_unknown_names_list_the_known_ones():
    for find in (catalogue_text.page, actions.make_environment):
        with pytest.raises(errors.UnknownNameError, match=r"'magic'.*ritm.*sam2"):
            find("magic")


def test_the_table_of_the_docs_is_that_of_the_catalogue():
    page = (ROOT / "docs" / "segmenters.md").read_text()
    begin, end = "catalogue_text.table() -->\n", "\n<!-- end -->"
    assert page.partition(begin)[2].partition(end)[0] == catalogue_text.table()


def test_the_commands_of_the_docs_are_understood():
    page = (ROOT / "docs" / "segmenters.md").read_text()
    specs = re.findall(r"(?:--segmenter=|segmenters check )(\w+:\S*\w)", page)
    assert len(specs) >= 3
    for spec in specs:
        name, options = registry.parse_spec(spec.replace("...", "checkpoint=a.pth"))
        options.setdefault("checkpoint", "a.pth")
        if name in registry.NATIVE_SEGMENTERS:
            with pytest.raises(errors.SegmenterError, match="there is no"):
                segmenter_specs.check(spec)
        else:
            methods.check_options(METHODS[name], options)


GIVEN = {"checkpoint": "a.pth", "checkout": "sam"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpiont": "a"}, r"option of sam 'checkpiont'.*checkpoint.*workers"),
        ({}, r"Option checkpoint of sam: got nothing.*rclicks-segmenters show sam"),
        ({**GIVEN, "variant": "vit_x"}, r"variant of sam: got 'vit_x'.*vit_b, vit_l"),
    ],
)
def test_wrong_options_are_refused_by_name(options, message):
    with pytest.raises(errors.RClicksError, match=message):
        methods.check_options(METHODS["sam"], options)


def described(folder, **more):
    options = {
        "checkpoint": str(folder / "a.pth"),
        "checkout": str(folder / "sam"),
        "variant": "vit_b",
        "python": str(folder / "python"),
        **more,
    }
    return methods.describe(METHODS["sam"], options)


def test_what_a_run_records_goes_by_content(tmp_path, monkeypatch):
    for name in ("here", "there"):
        (tmp_path / name / "sam" / "__pycache__").mkdir(parents=True)
        (tmp_path / name / "a.pth").write_bytes(b"abc")
        (tmp_path / name / "sam" / "model.py").write_text("x = 1")
        (tmp_path / name / "sam" / "__pycache__" / "m.pyc").write_text(name)
    here = described(tmp_path / "here", device="cuda", batch="4", workers="2")
    assert here == described(tmp_path / "there")
    assert here["options"]["checkpoint"] == "a.pth sha256:ba7816bf8f01cfea"
    assert "device" not in here["options"]
    # A file that is named like a setting is not that setting.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vit_b").write_text("")
    assert here == described(tmp_path / "here")
    (tmp_path / "there" / "sam" / "model.py").write_text("x = 2")
    assert here != described(tmp_path / "there")


def test_a_model_folder_goes_by_its_files_and_a_hub_name_by_itself(tmp_path):
    method = METHODS["transformers_sam"]
    found = []
    for name, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(text)
        options = {"checkpoint": str(tmp_path / name)}
        found.append(methods.describe(method, options)["options"]["checkpoint"])
    assert found[0] == found[1] != found[2]
    hub = {"checkpoint": "facebook/sam-vit-base"}
    assert methods.describe(method, hub)["options"] == hub
