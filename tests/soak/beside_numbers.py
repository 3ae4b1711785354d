"""Numbers of `beside_the_original.py`: both sides' results compared, and a table."""

import json
import math

import numpy as np

# Names of the notebook, the factor to our unit, and our measures.
MEASURES = {
    "base_noc": ("Base_noc", 1),
    "sample_noc": ("G_mean@10_noc", 1),
    "sample_noc_std": ("G_std@10_noc", 1),
    "delta_sb": ("(G_mean - Base) / Base_noc", 100),
    "delta_gr": ("(G1 - G10) / G10_noc", 100),
    "delta_hh": ("(H1 - H2) / H2_noc", 100),
    "base_nof": ("Base_over_max", "objects"),
    "sample_nof": ("G_mean@10_over_max", "objects"),
    "base_auc": ("Base_iou", 100),
    "sample_auc": ("G_mean@10_iou", 100),
    "sample_auc_std": ("G_std@10_iou", 100),
    "nsr": ("nsrperimage_iou", 100),
    "user_iou": ("User@1_iou", 100),
    "user_iou_std": ("User@1_std", 100),
    "user_nsr": ("User@1_snr", 100),
    "sampled_iou": ("NUser@1_iou", 100),
    "sampled_iou_std": ("NUser@1_std", 100),
    "sampled_nsr": ("NUser@1_snr", 100),
}
# What draws change, and what they do not.
DRAWN = (
    "sample_noc", "sample_noc_std", "delta_sb", "delta_gr", "delta_hh", "sample_nof",
    "sample_auc", "sample_auc_std", "nsr", "sampled_iou", "sampled_iou_std",
    "sampled_nsr",
)  # fmt: skip


def measures_of(results):
    """Returns our tables' numbers by dataset, measure and run."""
    from rclicks_jax.results import measures
    from rclicks_jax.settings import protocols

    found = {}
    for by_dataset in results.values():
        for name, result in by_dataset.items():
            for key in MEASURES:
                values = measures.BY_KEY[key].values(result, protocols.PAPER)
                at = found.setdefault(name, {}).setdefault(key, [])
                at.append(float(np.mean(values)))
    return found


def compare(out, seeds, ours, our_tasks):
    """Returns all numbers of the comparison."""
    from scipy import stats

    notebook = json.loads((out / "notebook.json").read_text())
    table = measures_of(ours)
    curves = {
        side: [_load(out / f"{side}{seed}.npz") for seed in seeds]
        for side in ("ours", "run")
    }
    measures, worst = [], 0.0
    for name, by_key in table.items():
        objects = curves["ours"][0][f"{name}/ious"].shape[1]
        for key, values in by_key.items():
            mode, factor = MEASURES[key]
            factor = 100 / objects if factor == "objects" else factor
            theirs, same = (
                [factor * notebook[f"{side}{seed}"][name][mode] for seed in seeds]
                for side in ("run", "ours")
            )
            worst = max(worst, float(np.abs(np.subtract(same, values)).max()))
            row = {"dataset": name, "measure": key, "drawn": key in DRAWN}
            row |= {"ours": _mean_of(values), "original": _mean_of(theirs)}
            row["p"] = None
            if key in DRAWN:
                pair = values, np.round(theirs, 6)
                row["p"] = float(stats.mannwhitneyu(np.round(pair[0], 6), pair[1])[1])
            measures.append(row)
    numbers = {
        "measures": measures,
        "our_tables_against_the_notebook_on_our_curves": worst,
        "curves": _curves(curves, table, stats),
        "robot": _robot(curves, table),
        "users": _users(curves, table),
        "tasks": _compare_tasks(out, our_tasks, stats),
    }
    return numbers


def _load(path):
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _mean_of(values):
    return {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1))}


def _curves(curves, names, stats):
    """Tests the mean IoU of each group after each click, over runs."""
    p_values = []
    for name in names:
        ours, theirs = (
            np.array([run[f"{name}/ious"][1:].mean(axis=1) for run in curves[side]])
            for side in ("ours", "run")
        )
        for at in np.ndindex(ours.shape[1:]):
            pair = (np.round(values[:, *at], 9) for values in (ours, theirs))
            p_values.append(float(stats.mannwhitneyu(*pair)[1]))
    return {
        "tests": len(p_values),
        "below_0.05": int(np.sum(np.array(p_values) < 0.05)),
        "smallest": min(p_values),
    }


def _robot(curves, names):
    """Compares the robot's clicks, which no seed changes."""
    found = {"trajectories": 0, "differ": 0, "clicks": 0, "clicks_differ": 0}
    found |= {"first": [], "first_step": [], "iou_differs": 0}
    for name in names:
        ours, theirs = (
            curves[side][0][f"{name}/clicks"][0] for side in ("ours", "run")
        )
        apart = (ours != theirs).any(axis=-1)
        ious = [curves[side][0][f"{name}/ious"][0] for side in ("ours", "run")]
        found["iou_differs"] += int((ious[0] != ious[1]).sum())
        found["trajectories"] += len(apart)
        found["clicks"] += apart.size
        found["clicks_differ"] += int(apart.sum())
        for row in np.flatnonzero(apart.any(axis=1)):
            click = int(apart[row].argmax())
            step = ours[row, click, :2] - theirs[row, click, :2]
            found["differ"] += 1
            found["first"].append(click + 1)
            found["first_step"].append(float(np.hypot(*step)))
    return found


def _users(curves, names):
    """Compares replayed clicks, which no seed changes."""
    ours, theirs = (curves[side][0] for side in ("ours", "run"))
    pairs = [(ours[f"{name}/user"], theirs[f"{name}/user"]) for name in names]
    return {
        "clicks": sum(ours.size for ours, _ in pairs),
        "differ": int(sum((ours != theirs).sum() for ours, theirs in pairs)),
    }


def _compare_tasks(out, ours, stats):
    theirs = json.loads((out / "tasks.json").read_text())
    arrays = _load(out / "tasks.npz")
    found = {"tasks": len(theirs), "ours": len(ours)}
    found |= {"images_differ": 0, "targets_differ": 0, "click_sets_differ": 0}
    apart = dict.fromkeys(("error", "truth", "UD", "DT", "nss", "pde"), 0.0)
    for entry in theirs:
        key, mine = entry["key"], ours[entry["key"]]
        found["images_differ"] += entry["image"] != mine["image"]
        found["targets_differ"] += entry["target"] != mine["target"]
        found["click_sets_differ"] += entry["clicks"] != mine["clicks"]
        for name in ("error", "truth"):
            gap = np.abs(arrays[f"{key}/{name}"] - mine[name]).max()
            apart[name] = max(apart[name], float(gap))
        for model, measured in entry["models"].items():
            gap = np.abs(arrays[f"{key}/{model}"] - mine["maps"][model]).max()
            apart[model] = max(apart[model], float(gap))
            for name in ("nss", "pde"):
                value = mine["models"][model][0][name]
                gap = abs(value - measured[name]) / max(abs(measured[name]), 1e-30)
                apart[name] = max(apart[name], float(gap))
    found["largest_difference"] = apart
    found["drawn"] = {
        name: _compare_draws(
            [[one[name] for one in ours[e["key"]]["models"]["DT"]] for e in theirs],
            [entry["models"]["DT"][name] for entry in theirs],
            stats,
        )
        for name in ("pl1", "wd", "ks")
    }
    return found


def _compare_draws(ours, theirs, stats):
    """Tests a metric of every task over sets of draws, `[t s]`, and its mean."""
    p_values = [
        float(stats.mannwhitneyu(np.round(one, 9), np.round(other, 9))[1])
        for one, other in zip(ours, theirs, strict=True)
    ]
    ours, theirs = np.mean(ours, axis=0), np.mean(theirs, axis=0)
    return {
        "tests": len(p_values),
        "below_0.05": int(np.sum(np.array(p_values) < 0.05)),
        "smallest": min(p_values),
        "ours": float(ours.mean()),
        "original": float(theirs.mean()),
        "z": _z(ours, theirs),
    }


def compare_devices(out, ours):
    """Compares the means of PC against mobile."""
    theirs = json.loads((out / "devices.json").read_text())
    gaps = [
        abs(theirs[name][key] - value)
        for name, by_key in ours.items()
        for key, value in by_key.items()
    ]
    return {"ours": ours, "original": theirs, "largest_difference": max(gaps)}


def _z(ours, theirs):
    """Returns the difference of two means over its standard error."""
    gap = np.mean(ours) - np.mean(theirs)
    error = math.sqrt(
        np.var(ours, ddof=1) / len(ours) + np.var(theirs, ddof=1) / len(theirs)
    )
    return float(gap / error) if error else 0.0 if abs(gap) < 1e-12 else math.inf


def table_of(numbers):
    """Returns the comparison as Markdown."""
    from rclicks_jax.results import measures

    lines = ["| dataset | measure | ours | original | p |", "|---|---|---|---|---|"]
    for row in numbers["measures"]:
        ours, theirs = (
            f"{row[side]['mean']:.3f} ± {row[side]['std']:.3f}"
            if row["drawn"]
            else f"{row[side]['mean']:.4f}"
            for side in ("ours", "original")
        )
        title = measures.BY_KEY[row["measure"]].title
        p = "" if row["p"] is None else f"{row['p']:.2f}"
        lines.append(f"| {row['dataset']} | {title} | {ours} | {theirs} | {p} |")
    curves, robot, users = (numbers[key] for key in ("curves", "robot", "users"))
    tasks, gap = numbers["tasks"], numbers["tasks"]["largest_difference"]
    same = numbers["our_tables_against_the_notebook_on_our_curves"]
    where = ""
    if robot["differ"]:
        steps = np.round(robot["first_step"], 1).tolist()
        where = f"; first at clicks {robot['first']}, by {steps} pixels"
    lines += ["", "| what | found |", "|---|---|"]
    lines += [
        f"| mean IoU of a group after a click | {curves['below_0.05']} of "
        f"{curves['tests']} tests below .05, smallest p {curves['smallest']:.2g} |",
        "| our tables and the notebook, on our curves | "
        f"largest difference {same:.1e} |",
        f"| robot's clicks | {robot['clicks_differ']} of {robot['clicks']} differ, in "
        f"{robot['differ']} of {robot['trajectories']} trajectories{where} |",
        f"| replayed clicks | {users['differ']} of {users['clicks']} differ in IoU |",
        f"| photographs, targets, clicks of {tasks['tasks']} tasks | "
        f"{tasks['images_differ']}, {tasks['targets_differ']}, "
        f"{tasks['click_sets_differ']} differ |",
        f"| error regions, ground-truth maps | largest difference {gap['error']:.1e}, "
        f"{gap['truth']:.1e} |",
        f"| maps of UD, DT | largest difference {gap['UD']:.1e}, {gap['DT']:.1e} |",
        "| NSS, PDE | largest relative difference "
        f"{gap['nss']:.1e}, {gap['pde']:.1e} |",
    ]
    lines.append(
        "| PC against mobile (PL1, WD, KS, with the mistake) | largest difference "
        f"{numbers['devices']['largest_difference']:.1e} |"
    )
    lines += [
        f"| {name.upper()} of DT | {one['below_0.05']} of {one['tests']} tasks below "
        f".05, smallest p {one['smallest']:.2g}; means {one['ours']:.4f} and "
        f"{one['original']:.4f}, z {one['z']:.1f} |"
        for name, one in tasks["drawn"].items()
    ]
    return "\n".join(lines) + "\n"
