import pytest
from collect_studies import Clock, Person, open_study

from rclicks_jax.collection import demo
from rclicks_jax.collection.web import server


def test_the_demo_ends_with_a_report_on_the_clicks_beside_click_models(
    tmp_path, monkeypatch, capsys
):
    asked = []

    def serve(folder, options):
        clock = Clock()
        desk = open_study(folder, clock)
        person = Person(desk, clock, platform="open").agree()
        person.work()
        desk.close()

    def network():
        asked.append("network")
        return ""

    pytest.importorskip("skimage", reason="the demo's photographs are scikit-image's")
    monkeypatch.setattr(server, "serve", serve)
    folder = tmp_path / "demo"
    options = server.Options()
    assert demo.run(str(folder), options, ["UD", "DT"], network) == 0
    assert asked == ["network"]
    page = (folder / "report" / "report.html").read_text()
    assert "<td>DT</td>" in page or ">DT<" in page
    assert "8 clicks accepted" in capsys.readouterr().out
