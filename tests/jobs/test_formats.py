"""Run folders of earlier releases are read as if today's had written them."""

import dataclasses
import functools
import json
import pathlib
import shutil

import pytest

from rclicks_jax import errors
from rclicks_jax.benchmark import records as image_records
from rclicks_jax.benchmark.identity import BenchmarkIdentity
from rclicks_jax.click_maps import files as click_map_files
from rclicks_jax.click_maps.identity import ClickMapsIdentity
from rclicks_jax.clicks import sampling
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.evaluation.identity import AgreementIdentity, EvaluationIdentity
from rclicks_jax.jobs import formats, identity, provenance, records, store, work_units
from rclicks_jax.reporting import table_formats
from rclicks_jax.results import outputs, runs
from rclicks_jax.settings import protocols

KEPT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "run_folders"
FOLDERS = sorted(path.parent for path in KEPT.glob("*/*/run.json"))
IDENTITIES = {
    "benchmark": BenchmarkIdentity,
    "evaluation": EvaluationIdentity,
    "click_maps": ClickMapsIdentity,
    "click_agreement": AgreementIdentity,
}
WITH_RECORDS = [path for path in FOLDERS if (path / "records").exists()]


def name_of(path):
    return f"{path.parent.name}/{path.name}"


def as_mapping(cls, info):
    return identity.from_json(cls, info.identity, "it")


@pytest.mark.parametrize("path", FOLDERS, ids=name_of)
def test_kind_and_identity_are_read(path):
    info = store.RunFolder(path).info()
    (named,) = [kind for kind in IDENTITIES if kind.endswith(path.name.split("_")[0])
                or path.name.startswith(kind)]  # fmt: skip
    assert info.kind == named
    values = as_mapping(IDENTITIES[info.kind], info)
    if info.kind != "click_agreement":
        # Before the switch NSS was divided by the deviation alone.
        is_new_paper = (path.parent.name, values.protocol.name) == ("format2", "paper")
        expected = dataclasses.replace(
            protocols.protocol(values.protocol.name),
            nss_epsilon=1e-9 if is_new_paper else 0.0,
        )
        assert values.protocol == expected
    assert info.provenance["command"][0].startswith("rclicks-")


@pytest.mark.parametrize("path", WITH_RECORDS, ids=name_of)
def test_records_are_read_and_would_be_written_in_todays_format(path):
    folder = store.RunFolder(path)
    found = list(folder.read_all())
    assert {record.dataset for record in found} == {"mine"}
    assert sum(len(record.rows) for record in found) == 3
    assert {status for record in found for status in record.statuses} == {"ok"}
    for record in found:
        lines = records.to_lines(record, folder.kind)
        assert json.loads(lines.partition("\n")[0])["format"] == records.FORMAT
        again = formats.record(lines, record.origin, folder.kind)
        assert again == record


@pytest.mark.parametrize("protocol", ["paper", "strict"])
def test_a_benchmark_gives_its_tables_whichever_release_made_it(protocol):
    wanted = (KEPT / "format2" / f"benchmark_{protocol}" / "summary.csv").read_text()
    for made_by in ("format1", "format2"):
        run = runs.open_run(KEPT / made_by / f"benchmark_{protocol}")
        assert table_formats.to_csv(outputs.make_tables(run)[0]) == wanted


def test_a_benchmark_of_format_1_played_what_format_2_did():
    def played(made_by):
        folder = store.RunFolder(KEPT / made_by / "benchmark_strict")
        return {
            (image.image_id, one.instance_id): one.trajectories
            for image in image_records.read_all(folder)
            for one in image.instances
        }

    assert played("format1") == played("format2")


@pytest.mark.parametrize("protocol", ["paper", "strict"])
def test_an_evaluation_gives_its_numbers(protocol):
    from rclicks_jax.evaluation import click_model_tables, click_scores

    path = KEPT / "format2" / f"evaluation_{protocol}"
    means = click_model_tables.means(click_scores.open_evaluation(str(path)).scores)
    assert table_formats.to_csv(means) == (path / "click_models.csv").read_text()
    old = task_records.read_all(store.RunFolder(KEPT / "format1" / path.name))
    new = task_records.read_all(store.RunFolder(path))
    assert [one.click_set_id for one in old] == [one.click_set_id for one in new]
    for one, other in zip(old, new, strict=True):
        for model, maps in one.models.items():
            for kind, values in maps.items():
                theirs = other.models[model][kind]
                assert {k: v for k, v in values.items() if k != "nss"} == {
                    k: v for k, v in theirs.items() if k != "nss"
                }
                assert values["nss"] == pytest.approx(theirs["nss"], abs=2.0e-4)


def test_click_maps_give_their_clicks(tmp_path):
    path = KEPT / "format2" / "click_maps_paper"
    shutil.copytree(path, tmp_path / "run")
    folder = store.RunFolder(tmp_path / "run")
    click_map_files.write_tables(folder)
    made = (tmp_path / "run" / "clicks.csv").read_text()
    assert made == (path / "clicks.csv").read_text()


@pytest.mark.parametrize("path", WITH_RECORDS, ids=name_of)
def test_a_run_of_before_goes_on(path, tmp_path):
    shutil.copytree(path, tmp_path / "run")
    folder = store.RunFolder(tmp_path / "run")
    info = folder.info()
    before = (tmp_path / "run" / "run.json").read_bytes()
    values = as_mapping(IDENTITIES[info.kind], info)
    folder.begin(info.kind, values, provenance.of_this_process())
    assert (tmp_path / "run" / "run.json").read_bytes() == before
    (first, *others) = folder.read_all()
    units = [
        work_units.Unit(one.dataset, one.name, (), None) for one in (first, *others)
    ]
    assert work_units.unfinished(units, folder) == []
    bad = records.Record(first.dataset, first.name, (), attempt=2)
    folder.write(bad)
    assert [one.attempt for one in store.RunFolder(tmp_path / "run").read_all()] == [
        2, *(1 for _ in others)
    ]  # fmt: skip


@pytest.mark.parametrize("change", [{"seed": 7}, {"split": "val"}, {"new": 1}])
def test_another_run_than_that_of_before_is_refused(change, tmp_path):
    shutil.copytree(KEPT / "format2" / "benchmark_paper", tmp_path / "run")
    folder = store.RunFolder(tmp_path / "run")
    values = as_mapping(BenchmarkIdentity, folder.info()).__dict__ | change
    (key,) = change
    if key == "new":
        path = tmp_path / "run" / "run.json"
        described = json.loads(path.read_text())
        described["hashed"] |= change
        described["hash"] = identity.hash_of(described["hashed"])
        path.write_text(json.dumps(described))
        del values["new"]
    with pytest.raises(errors.RunFolderError, match=key):
        folder.begin(
            "benchmark", BenchmarkIdentity(**values), provenance.of_this_process()
        )


@pytest.mark.parametrize("kind", ["benchmark", "click_maps"])
@pytest.mark.parametrize("made_by", ["format1", "format2"])
def test_a_run_whose_clicks_were_drawn_in_another_way_is_refused(
    kind, made_by, tmp_path
):
    shutil.copytree(KEPT / made_by / f"{kind}_paper", tmp_path / "run")
    folder = store.RunFolder(tmp_path / "run")
    before = as_mapping(IDENTITIES[kind], folder.info())
    now = dataclasses.replace(before, click_draws=sampling.METHOD)
    message = 'click_draws was "mass line" and is "exponential race"'
    with pytest.raises(errors.RunFolderError, match=message):
        folder.begin(kind, now, provenance.of_this_process())


@pytest.mark.parametrize(
    ("kind", "without"),
    [
        (
            "benchmark",
            {
                "strategies": {
                    "groups": [],
                    "baseline": True,
                    "users": True,
                    "repeats": 1,
                }
            },
        ),
        ("click_maps", {"samples": 0}),
    ],
)
def test_a_run_that_drew_nothing_goes_on(kind, without, tmp_path):
    described = json.loads(
        (KEPT / "format2" / f"{kind}_paper" / "run.json").read_text()
    )
    described["hashed"] |= without
    described["hash"] = identity.hash_of(described["hashed"])
    (tmp_path / "run.json").write_text(json.dumps(described))
    values = as_mapping(IDENTITIES[kind], store.RunFolder(tmp_path).info())
    assert values.click_draws == ""


@pytest.mark.parametrize("path", FOLDERS, ids=name_of)
def test_a_changed_setting_of_a_folder_is_noticed(path, tmp_path):
    described = json.loads((path / "run.json").read_text())
    described["hashed"]["split"] = "none"
    (tmp_path / "run.json").write_text(json.dumps(described))
    if described.get("format", 1) == 1:
        # There the hash could be of anything.
        assert store.RunFolder(tmp_path).info().identity["split"] == "none"
        return
    with pytest.raises(errors.RunFolderError, match="not those that its hash is of"):
        store.RunFolder(tmp_path).info()


@pytest.mark.parametrize("value", [None, 3, True, "text"])
@pytest.mark.parametrize("path", FOLDERS[-2:], ids=name_of)
def test_a_provenance_that_no_run_has_is_refused(path, value, tmp_path):
    described = json.loads((path / "run.json").read_text())
    for key in ("command", "data_notes", "versions"):
        changed = {**described, "noted": {**described["noted"], key: value}}
        (tmp_path / "run.json").write_text(json.dumps(changed))
        with pytest.raises(errors.RunFolderError, match=f"no such values of {key}"):
            store.RunFolder(tmp_path).info()


@pytest.mark.parametrize("kind", [None, "x", ["evaluation"], {}])
def test_an_unknown_kind_of_before_is_no_benchmark(kind, tmp_path):
    described = json.loads((FOLDERS[-1] / "run.json").read_text())
    described["hashed"]["kind"] = kind
    described["hash"] = identity.hash_of(described["hashed"])
    (tmp_path / "run.json").write_text(json.dumps(described))
    with pytest.raises(errors.RunFolderError, match="its kind is none that"):
        store.RunFolder(tmp_path).info()


def test_later_formats_are_refused_in_words(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"format": formats.RUN + 1}))
    with pytest.raises(errors.RunFolderError, match=r"format 4; .* up to 3\. Read it"):
        store.RunFolder(tmp_path).info()
    with pytest.raises(errors.RunFolderError, match=r"a\.1\.jsonl is of format 4"):
        formats.record('{"format": 4}\n', "a.1.jsonl", "benchmark")


def test_a_record_of_another_job_is_refused():
    record = records.Record("mine", "a", (records.row("o", "ok"),))
    with pytest.raises(records.RecordError, match="of a job of kind 'click_maps'"):
        formats.record(records.to_lines(record, "click_maps"), "a", "benchmark")


WEIGHTS = {"checkpoint": "sam_vit_b.pth sha256:0123456789abcdef"}
OWN_FILE = {"name": "mine", "code": "mine.py sha256:0123456789abcdef"}


@pytest.mark.parametrize(
    ("number", "run"), [(2, "paper"), (2, "strict"), (3, "strict")]
)
@pytest.mark.parametrize(
    ("segmenter", "told", "own"),
    [
        # Methods were told the run's protocol, unless their options said otherwise.
        ({"name": "sam", "adapter": "sam"}, {"protocol": "paper"}, "paper"),
        ({"name": "sam", "adapter": "sam"}, {"protocol": "strict"}, "strict"),
        # `bridge:adapter=sam` was not.
        ({"name": "sam", "code": "sam"}, {}, "paper"),
        ({"name": "sam", "code": "sam"}, {"protocol": "strict"}, "strict"),
        # Others did not know of it, whatever options they have of their own.
        (OWN_FILE, {}, None),
        ({"name": "noisy"}, {}, None),
    ],
)
def test_a_run_of_before_has_the_switches_that_its_segmenter_obeyed(
    tmp_path, number, run, segmenter, told, own
):
    described = json.loads(
        (KEPT / "format2" / f"benchmark_{run}" / "run.json").read_text()
    )
    hashed = described.pop("hashed")
    hashed["segmenter"] = {**segmenter, "options": {**WEIGHTS, **told}}
    if number == 3:
        described |= {"kind": "benchmark", "identity": hashed}
        described["provenance"] = described.pop("noted")
        described["hash"] = identity.hash_of({"kind": "benchmark", **hashed})
    else:
        described["hashed"] = hashed
        described["hash"] = identity.hash_of(hashed)
    described["format"] = number
    (tmp_path / "run.json").write_text(json.dumps(described))
    values = as_mapping(BenchmarkIdentity, store.RunFolder(tmp_path).info())
    obeyed = protocols.protocol(own or run)
    assert values.protocol.name == run
    assert values.protocol.drop_mask_prompt == obeyed.drop_mask_prompt
    assert values.protocol.empty_mask_keeps_crop == obeyed.empty_mask_keeps_crop
    # Today nobody has it as an option.
    assert values.segmenter == {**segmenter, "options": WEIGHTS}
    now = dataclasses.replace(values, protocol=protocols.protocol(run))
    begin = functools.partial(store.RunFolder(tmp_path).begin, "benchmark", now)
    if (own or run) == run:
        begin(provenance.of_this_process())
    else:
        with pytest.raises(errors.RunFolderError, match=r"drop_mask_prompt was .* is "):
            begin(provenance.of_this_process())


def test_an_option_of_an_adapter_of_the_users_is_left(tmp_path):
    described = json.loads(
        (KEPT / "format2" / "benchmark_paper" / "run.json").read_text()
    )
    options = {"protocol": "mine"}
    described["hashed"]["segmenter"] = {**OWN_FILE, "options": options}
    described["hash"] = identity.hash_of(described["hashed"])
    (tmp_path / "run.json").write_text(json.dumps(described))
    found = store.RunFolder(tmp_path).info().identity
    assert found["segmenter"]["options"] == options
    assert found["protocol"]["empty_mask_keeps_crop"] is True


def test_a_switch_that_an_earlier_release_lacked_has_its_default():
    recorded = identity.to_json(protocols.STRICT)
    del recorded["stop_at"]
    assert identity.from_json(protocols.Protocol, recorded, "it") == protocols.STRICT
    with pytest.raises(errors.RunFolderError, match="does not have: no_such_switch"):
        identity.from_json(protocols.Protocol, {**recorded, "no_such_switch": 1}, "it")
