import subprocess

from rclicks_jax.bridge import provenance
from rclicks_jax.segmenters import load


def git(folder, *arguments):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


def test_files_go_by_their_content_and_not_their_place(tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.pth").write_bytes(b"abc")
    here, there = (
        provenance.describe(str(tmp_path / name / "weights.pth"))
        for name in ("here", "there")
    )
    assert here == there == "weights.pth sha256:ba7816bf8f01cfea"
    (tmp_path / "here" / "weights.pth").write_bytes(b"abd")
    assert provenance.describe(str(tmp_path / "here" / "weights.pth")) != there


def test_checkouts_go_by_their_commit(tmp_path):
    checkout = tmp_path / "ritm"
    checkout.mkdir()
    assert provenance.describe(str(checkout)) == "ritm (no commit)"
    git(checkout, "init", "--quiet")
    git(checkout, "commit", "--quiet", "--allow-empty", "--message=one")
    commit = git(checkout, "rev-parse", "HEAD")
    assert provenance.describe(str(checkout)) == f"ritm {commit}"
    git(checkout, "pack-refs", "--all")
    assert provenance.commit(checkout) == commit
    git(checkout, "checkout", "--quiet", "--detach")
    assert provenance.commit(checkout) == commit


def test_what_names_no_file_stays(tmp_path):
    options = {"size": "96", "empty": "", "gone": str(tmp_path / "no")}
    assert provenance.describe_options(options) == options


def test_an_adapter_of_the_users_is_part_of_what_is_run(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def load(options): ...\nencode = predict = load\n")
    code = f"mine.py sha256:{provenance.checksum(path)[:16]}"
    for spec in (str(path), f"bridge:adapter={path}"):
        segmenter = load.load(spec)
        assert segmenter.description["code"] == code
        segmenter.close()
    assert "code" not in load.load("grabcut").description
