"""The original's half of `beside_the_original.py`, which starts it.

    ENV/bin/python original_side.py REQUEST.json

It runs in an environment of the original's packages, on CPU, and imports nothing of the
project but the segmenter that both sides drive. What the original calls and what is
not needed here is replaced: CUDA by the CPU, its networks by nothing, its click model
by its own distance transform, its data folder by the one that is given.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import io
import json
import pathlib
import sys
import types
import warnings

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = {"GrabCut": "GrabCutDataset", "DAVIS": "DavisDataset"}
CLICKS, GROUPS = 20, 10


def main(path):
    """Does what a request asks for and writes it beside it."""
    request = json.loads(pathlib.Path(path).read_text())
    out = pathlib.Path(request["out"])
    warnings.simplefilter("ignore")
    original = Original(pathlib.Path(request["checkout"]), request["data"])
    with contextlib.redirect_stdout(io.StringIO()):
        if request["task"] == "play":
            for seed in request["seeds"]:
                write(out / f"run{seed}.npz", original.play(seed, request["apart"]))
        elif request["task"] == "notebook":
            numbers = original.notebook(request["runs"])
            (out / "notebook.json").write_text(json.dumps(numbers))
        else:
            devices = original.devices(out)
            (out / "devices.json").write_text(json.dumps(devices))
            arrays, numbers = original.tasks(request["seeds"])
            write(out / "tasks.npz", arrays)
            (out / "tasks.json").write_text(json.dumps(numbers))


def write(path, arrays):
    """Writes arrays without pickle."""
    np.savez_compressed(path, **arrays)


class Original:
    """The modules of a checkout, imported, and the datasets they read."""

    def __init__(self, checkout, data):
        """Replaces what is not there and imports the rest."""
        self.checkout, self.data = checkout, pathlib.Path(data)
        install_stand_ins(checkout, self.data)
        self.evaluation = importlib.import_module("isegm.inference.evaluation")
        self.predictors = importlib.import_module("isegm.inference.predictors.base")
        self.clickmap = importlib.import_module("rclicks.clickmap")
        self.clicksim = importlib.import_module("rclicks.clicksim")
        self.metrics = load_script(checkout / "scripts" / "evaluate_click_models.py")
        datasets = importlib.import_module("isegm.data.datasets")
        options = types.SimpleNamespace(n_samples=None)
        self.datasets = {
            name: getattr(datasets, kind)(self.data / name, options)
            for name, kind in CLASSES.items()
            if (self.data / name).is_dir()
        }

    def play(self, seed, apart):
        """Plays baseline, ten groups, users and sampled users of every dataset.

        Args:
            seed: Of the run.
            apart: Whether each image and group has a seed of its own. The original
                sets one seed again for each.

        Returns:
            Arrays by name: `DATASET/ious`, `f64[11 n 20]`, baseline first;
            `DATASET/clicks`, `i64[11 n 20 3]` as `(y, x, positive)`;
            `DATASET/user`, `f64[n u]`; `DATASET/sampled`.
        """
        arrays = {}
        for name, dataset in self.datasets.items():
            played = [self._all(dataset, None, seed)]
            for group in range(1, GROUPS + 1):
                own = (seed * 100 + group) * 1000 if apart else seed
                bounds = round((group - 1) / 10, 1), round(group / 10, 1)
                played.append(
                    self._all(dataset, self._click_model(), own, apart, bounds)
                )
            arrays[f"{name}/ious"] = np.array([ious for ious, _ in played])
            arrays[f"{name}/clicks"] = np.array([clicks for _, clicks in played])
            for key, model in (("user", None), ("sampled", self._click_model())):
                own = seed * 100_000 if apart else seed
                ious, _ = self._all(dataset, model, own, apart, users=True)
                arrays[f"{name}/{key}"] = np.array(ious)
        return arrays

    def _all(self, dataset, model, seed, apart=False, bounds=(0.0, 1.0), users=False):
        """Returns IoU after each click, and the clicks, of every object."""
        ious, clicks = [], []
        for index in range(len(dataset)):
            settings = types.SimpleNamespace(
                seed=seed + index if apart else seed,
                user_inputs=users,
                trajectory_sampling_prob_low=bounds[0],
                trajectory_sampling_prob_high=bounds[1],
            )
            (found,) = self.evaluation.evaluate_functor(
                dataset, self._predictor(), index, model, args=settings,
                max_iou_thr=1.01, pred_thr=0.49, max_clicks=1 if users else CLICKS,
            )  # fmt: skip
            ious.append(found[1][:, 0].astype(np.float64))
            if not users:
                clicks.append(
                    [[*click.coords, click.is_positive] for click in found[1][:, 2]]
                )
        return ious, clicks

    def _predictor(self):
        return self.predictors.BasePredictor(Nearest(), "cpu", model_name="ritm")

    def _click_model(self):
        return DistanceTransform(self.clicksim.distance_transform_model)

    def notebook(self, runs):
        """Returns the notebook's numbers of many runs, by its own cells.

        Args:
            runs: Files of arrays as `play` returns them, by name.

        Returns:
            `metric` by run, dataset and the name that the notebook gives it.
        """
        index = {
            name: {run: {} for run in runs}
            for name in ("GrabCut", "Berkeley", "DAVIS", "COCO", "TETRIS")
        }
        for run, path in runs.items():
            with np.load(path, allow_pickle=False) as arrays:
                for name in CLASSES:
                    if f"{name}/ious" in arrays:
                        index[name][run] = by_suffix(name, arrays)
        cells = json.loads(
            (self.checkout / "compute_benchmark_metrics.ipynb").read_text()
        )["cells"]
        names = {"inverse_index": index, "np": np, "__name__": "cells"}
        names["tqdm"] = types.SimpleNamespace(tqdm=lambda values: values)
        names["pd"] = importlib.import_module("pandas")
        for cell in (7, 8):
            exec("".join(cells[cell]["source"]), names)
        table = names["df"]
        numbers = {}
        for run, name, mode, metric in table[
            ["name_md", "name_ds", "mode", "metric"]
        ].itertuples(index=False):
            if metric == metric:
                at = numbers.setdefault(run, {}).setdefault(name, {})
                at[mode] = float(metric)
        return numbers

    def devices(self, out):
        """Compares PC with mobile; returns the script's means by dataset."""
        pandas = importlib.import_module("pandas")
        package = sys.modules["rclicks"]
        package.ClickMaps = self.clickmap.ClickMaps
        # It reads this list of a dataset that is not there.
        package.TETRIS_VAL = out / "no_images.txt"
        package.TETRIS_VAL.touch()
        script = load_script(self.checkout / "scripts" / "evaluate_mobile_pc.py")
        script.main.callback(out)
        table = pandas.read_csv(out / "pc_vs_mobile.csv", index_col="dataset")
        return {name: dict(row) for name, row in table.to_dict("index").items()}

    def tasks(self, seeds):
        """Returns maps and metrics of every click task.

        Args:
            seeds: Of the draws for PL1, WD and KS; one set of numbers for each.
        """
        arrays, numbers = {}, []
        paths = importlib.import_module("rclicks.paths")
        for name, dataset in self.datasets.items():
            truth = self.clickmap.ClickMaps(
                name, dataset, paths.CLICKS_CSV, paths.PREV_MASK_PATHS[name], sigma=5
            )
            for number in range(len(truth)):
                stem = truth.full_stem(number)
                key = f"{name}/{stem}"
                xs, ys, _, _ = truth.clicks(number)
                target, error = truth.mask(number), truth.error_mask(number)
                image = truth.image(number)
                arrays[f"{key}/error"] = error
                arrays[f"{key}/truth"] = truth.click_map(number)
                height, width = self.metrics.get_height_width(target)
                maps = {
                    "UD": self.clicksim.uniform_model(image, target, error),
                    "DT": self.clicksim.distance_transform_model(image, target, error),
                }
                entry = {
                    "key": key,
                    "image": digest(image),
                    "target": digest(target > 0),
                    "clicks": np.stack([ys, xs], axis=1).tolist(),
                    "models": {},
                }
                for model, click_map in maps.items():
                    arrays[f"{key}/{model}"] = click_map
                    given = click_map, xs, ys
                    measured = {
                        "nss": float(self.metrics.nss(*given)),
                        "pde": float(self.metrics.mean_pde_by_click(*given)),
                    }
                    if model == "DT":
                        # With the same seeds all tasks would share their draws.
                        own = [1000 * len(numbers) + seed for seed in seeds]
                        measured |= self._drawn(given, (width, height), own)
                    entry["models"][model] = measured
                numbers.append(entry)
        return arrays, numbers

    def _drawn(self, given, size, seeds):
        metrics = self.metrics
        functions = {"pl1": metrics.l1, "wd": metrics.wasserstien, "ks": metrics.ks2d}
        found = {key: [] for key in functions}
        for seed in seeds:
            np.random.seed(seed)
            for key, function in functions.items():
                found[key].append(float(function(*given, size=size)))
        return found


def by_suffix(name, arrays):
    """Names curves as the notebook does."""
    ious = arrays[f"{name}/ious"]
    found = {
        f"Trajectory_BOUNDS_{(group - 1) / 10:.3f}_{group / 10:.3f}_IOU": ious[group]
        for group in range(1, GROUPS + 1)
    }
    found["Base_IOU"] = ious[0]
    found["User_IOU"] = list(arrays[f"{name}/user"])
    found["SamplingUsersCount_IOU"] = list(arrays[f"{name}/sampled"])
    return found


def digest(array):
    """Returns a checksum of an array's values."""
    plain = np.ascontiguousarray(array.astype(np.uint8))
    return hashlib.sha256(plain).hexdigest()


class DistanceTransform:
    """The original's DT where its evaluation expects the network."""

    def __init__(self, function):
        """Takes `distance_transform_model`."""
        self._function = function

    def apply(self, image, gt_mask, error_mask):
        """Returns a map as the network does, `f32[1 1 h w]`."""
        import torch

        found = self._function(image, gt_mask, error_mask.astype(np.float32))
        return torch.from_numpy(found)[None, None]


class Nearest:
    """`nearest_click.py` as a network of the original: all clicks in, logits out."""

    def __init__(self):
        """Knows no photograph yet."""
        self._module = load_script(HERE / "nearest_click.py")
        self._image = self._features = None
        self._done = []

    def __call__(self, image, points):
        """Returns logits, `f32[1 1 h w]`.

        Args:
            image: `f32[1 3 h w]` in [0, 1].
            points: `(y, x, number)` of positive clicks and as many rows of negative
                ones, -1 where there is no click, `[1 2k 3]`.
        """
        import torch

        if self._image is None or not torch.equal(image, self._image):
            self._image = image
            array = (image[0] * 255).round().byte().numpy().transpose(1, 2, 0)
            self._features = self._module.encode(None, array)
            self._done = []
        rows = points[0].tolist()
        clicks = sorted(
            (number, y, x, place < len(rows) // 2)
            for place, (y, x, number) in enumerate(rows)
            if number >= 0
        )
        if not self._done or clicks[: len(self._done)] != self._done:
            self._done, self._nearest = [], self._module.start(self._features)
        for _, y, x, positive in clicks[len(self._done) :]:
            self._module.add_click(
                self._features, self._nearest, int(y), int(x), positive
            )
        self._done = clicks
        mask = torch.from_numpy(self._module.mask_of(self._features, self._nearest))
        return {"instances": (mask.float() * 20 - 10)[None, None]}


def load_script(path):
    """Imports a file that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install_stand_ins(checkout, data):
    """Makes the parts of the checkout importable that are used here."""
    sys.path.insert(0, str(HERE.parent / "adapters"))
    importlib.import_module("stand_ins").install()
    import torch

    torch.nn.Module.cuda = lambda self, *_: self
    torch.Tensor.cuda = lambda self, *_, **__: self
    torch.set_num_threads(1)
    # NumPy from 1.24 on lacks the names that the original uses.
    for name in ("bool", "int"):
        if not hasattr(np, name):
            setattr(np, name, getattr(__import__("builtins"), name))
    sys.path.insert(0, str(checkout / "isegm"))
    # Its `__init__` imports the networks and all datasets.
    package("rclicks", [str(checkout / "rclicks" / "rclicks")])
    package("rclicks.nets", [], SegNeXtSaliencyApply=None)
    package("torch.utils.tensorboard", [], SummaryWriter=object)
    package("mmengine", [])
    package("mmengine.logging", [])
    package("mmengine.logging.logger", [])
    package("transalnet", [])
    package("transalnet.utils", [])
    process = {"preprocess_img": None, "postprocess_img": None}
    package("transalnet.utils.data_process", [], **process)
    package("transalnet.TranSalNet_Res", [], TranSalNet=None)
    paths = importlib.import_module("rclicks.paths")
    paths.DATASETS_DIR = data
    paths.CLICKS_CSV = data / "clicks.csv"
    for name in paths.ISEGM_DATASETS_DIRS:
        paths.ISEGM_DATASETS_DIRS[name] = data / name
    for name in paths.PREV_MASK_PATHS:
        paths.PREV_MASK_PATHS[name] = (
            data / "SUBSEC_MASKS" / "all_benchmark_datasets" / "fn_fp"
        )


def package(name, path, **names):
    """Puts an empty package where `import` finds it, unless there is one."""
    made = types.ModuleType(name)
    made.__path__ = path
    made.__spec__ = importlib.util.spec_from_loader(name, None, is_package=True)
    made.__spec__.submodule_search_locations = path
    vars(made).update(names)
    sys.modules[name] = made
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, made)


if __name__ == "__main__":
    main(sys.argv[1])
