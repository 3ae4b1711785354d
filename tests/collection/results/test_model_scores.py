import numpy as np
import pytest
from collect_crowds import Crowd
from collect_studies import make, open_study

from rclicks_jax import errors
from rclicks_jax.clicks import region_maps
from rclicks_jax.collection.results import judged_clicks, model_scores, task_maps
from rclicks_jax.collection.tasks import private_files


@pytest.fixture
def clicked(tmp_path, clock):
    """A study of one display mode, and its clicks, which are all near the middle."""
    folder = make(tmp_path, names=tuple("abcdef"), study={"per_person": 6},
                  assignment={"clicks": 5})  # fmt: skip
    desk = open_study(folder, clock)
    Crowd(desk, clock, {"Object_CutOut": 0.8}).come(5)
    study = desk.study
    rows = desk.store.read(
        lambda db: judged_clicks.read(
            db, study.secret, study.config.judgement, "people"
        )
    ).data()
    desk.close()
    return study, rows


def test_scores_are_those_of_an_evaluation(clicked):
    study, rows = clicked
    models = task_maps.load(["UD", "DT"])
    tasks = model_scores.by_task(rows, 0)
    uniform, distance = model_scores.score(study, tasks, models, "people")
    assert (uniform.model, distance.model) == ("UD", "DT")
    assert uniform.dataset == "Object_CutOut"
    assert uniform.counts["all"] == {"ok": 6, "skipped": 0, "failed": 0}
    # Intervals are over people, whom a study knows.
    known = {person for task in uniform.people for person in task.people}
    assert known == {row.session.person_id for row in rows}
    # People who click near the middle are more like DT.
    assert distance.mean("nss") > uniform.mean("nss")
    (own, *_), *_ = [tasks[key] for key in tasks]
    query = task_maps.query(study, own.task)
    np.testing.assert_array_equal(query.gt_mask, query.error_mask)
    distribution = region_maps.uniform(query).astype(np.float64)
    z = (distribution - distribution.mean()) / distribution.std()
    same = [r for r in rows if r.task.task_id == own.task.task_id]
    expected = np.mean([z[r.click.y, r.click.x] for r in same])
    place = uniform.task_ids.index(own.task.full_stem)
    assert uniform.values["nss"][place] == pytest.approx(expected, rel=1e-3)


def test_the_tasks_with_most_clicks_are_taken(clicked):
    _, rows = clicked
    few = [row for row in rows if row.task.full_stem != "c"]
    few += [row for row in rows if row.task.full_stem == "c"][:1]
    chosen = model_scores.by_task(few, 5)
    assert {own[0].task.full_stem for own in chosen.values()} == set("abdef")


def test_a_task_whose_files_are_gone_and_a_model_that_fails_are_counted(clicked):
    study, rows = clicked
    tasks = model_scores.by_task(rows, 0)
    gone = rows[0].task
    private_files.mask_path(study, gone).unlink()

    def fail(query):
        raise ValueError("no idea")

    models = {"UD": task_maps.load(["UD"])["UD"]}
    (scores,) = model_scores.score(study, tasks, models, "people")
    assert scores.counts["all"] == {"ok": 5, "skipped": 0, "failed": 1}
    models["bad"] = task_maps.Model({"name": "bad"}, fail)
    both = model_scores.score(study, tasks, models, "people")
    assert [scores.counts["all"]["failed"] for scores in both] == [6, 6]


def test_unknown_click_models_are_refused():
    with pytest.raises(errors.UnknownNameError, match="UDD"):
        task_maps.load(["UDD"])
