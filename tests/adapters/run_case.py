"""Plays one case in a process of its own: packages of checkouts have equal names.

python run_case.py CASE OUT.npz            what the adapter answers, and its bugs
python run_case.py CASE OUT.npz --golden   writes golden/CASE.npz by the original
"""

import datetime
import importlib
import importlib.metadata
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import kit
import numpy as np
import stand_ins
import torch


def play(case):
    """Returns points of the maps of the adapter and of each bug."""
    network = case.network(original=False)
    model = case.model(network)
    bugs = {**kit.BUGS, **case.BUGS}
    photographs = kit.photographs(case.LONGEST)
    answers = {}
    for index, image in enumerate(photographs):
        maps = kit.play(case.adapter, model, image)
        answers[f"right/image{index}"] = kit.sampled(maps)
    for name, bug in bugs.items():
        if name in case.OMITTED:
            continue
        wrong = dict(bug)
        other = wrong.pop("model", None)
        model_of_bug = other(network) if other else model
        maps = kit.play(case.adapter, model_of_bug, photographs[0], **wrong)
        answers[f"bug/{name}"] = kit.sampled(maps)
    return answers


def write_golden(case, name):
    """Has the original answer each trajectory, one click at a time."""
    network = case.network(original=True)
    maps = []
    for image in kit.photographs(case.LONGEST):
        trajectories = kit.clicks_on(image)
        answers = [case.reference(network, image, one) for one in trajectories]
        maps.append(np.stack(answers))
    # What RClicks did not try has a DRIVER of its own.
    driver = getattr(case, "DRIVER", "emb-ai/rclicks")
    provenance = {
        "repository": f"https://github.com/{case.REPOSITORY}",
        "commit": version_of(case.REPOSITORY.split("/")[1]),
        "driven by": f"{driver} {version_of(driver.split('/')[1])}",
        "weights": case.RECIPE,
        "photographs": f"GrabCut 271008, grave; longer side {case.LONGEST or 'native'}",
        "threshold": case.adapter.THRESHOLD,
        "versions": f"Python {sys.version.split()[0]}, torch {torch.__version__}, "
        f"NumPy {np.__version__}",
        "date": datetime.date.today().isoformat(),
    }
    kit.write_golden(name, maps, provenance)


def version_of(name):
    """Returns the commit of a checkout, or the release of an installed package."""
    folder = kit.checkout(name)
    if not folder.exists():
        return f"release {importlib.metadata.version(name)}"
    # A file COMMIT stands for the history where that was left out.
    if (folder / "COMMIT").exists():
        return (folder / "COMMIT").read_text().strip()
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def main(name, out, *flags):
    """Runs a case."""
    # The order of sums depends on it, and some networks amplify that.
    torch.set_num_threads(1)
    case = importlib.import_module(f"cases.{name}")
    # transformers would take a stand-in for the package.
    if case.CHECKOUT:
        stand_ins.install()
    if flags == ("--golden",):
        write_golden(case, name)
    else:
        np.savez(out, **play(case))


if __name__ == "__main__":
    main(*sys.argv[1:])
