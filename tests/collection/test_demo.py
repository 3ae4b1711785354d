import pytest
from collect_studies import Clock, Person, make, open_study

from rclicks_jax.collection import demo
from rclicks_jax.collection.web import server


def test_the_demo_ends_with_a_report_on_the_clicks_beside_click_models(
    tmp_path, monkeypatch, capsys
):
    asked = []

    def serve(folder, options):
        clock = Clock()
        desk = open_study(folder, clock)
        Person(desk, clock).agree().work()
        desk.close()
        assert not asked

    def network():
        # The toy would be trained here; what it is called with is what counts.
        asked.append("network")
        return "DT"

    pytest.importorskip("skimage", reason="the demo's photographs are scikit-image's")
    monkeypatch.setattr(server, "serve", serve)
    folder = make(tmp_path)
    assert demo.run(str(folder), server.Options(), ["UD"], network) == 0
    assert asked == ["network"]
    table = (folder / "report" / "tables" / "click_models.csv").read_text()
    assert [line.split(",")[2] for line in table.splitlines()[1:]] == ["UD", "DT"]
    assert "4 clicks accepted" in capsys.readouterr().out
