"""SM and SI on a seeded TranSalNet: by this project, and by RClicks's click models.

python saliency_case.py     writes golden/transalnet.npz by the original
"""

import functools
import importlib
import json
import sys
import types

import kit
import numpy as np
import stand_ins
import torch

from rclicks_jax import types as project_types
from rclicks_jax.bridge.adapters import checkouts
from rclicks_jax.bridge.adapters import transalnet as adapter
from rclicks_jax.clicks import saliency_models

GOLDEN = kit.GOLDEN / "transalnet.npz"
CHECKOUT = "TranSalNet"
LONGEST = 240
SEED = 7
# So that saliency has both dark and bright parts.
FACTORS = {"conv7.weight": 4.0, "conv7.bias": 20.0, "position_embeddings": 0.3}
RECIPE = f"seed {SEED}, {FACTORS}"
# Of a map, in both directions.
STRIDE = 4
# Centre and radii of each photograph's region, as shares of its sides. The second
# reaches the border.
REGIONS = ((0.45, 0.5, 0.3, 0.2), (0.7, 0.75, 0.35, 0.28))


def seeded_weights(network):
    """Returns the weights of the case."""
    return kit.seeded(network.state_dict(), SEED, factors=FACTORS)


@functools.cache
def queries():
    """Returns a photograph and a region of each kind: inside, and at the border."""
    made = []
    for image, (y, x, high, wide) in zip(
        kit.photographs(LONGEST), REGIONS, strict=True
    ):
        rows, columns = np.indices(image.shape[:2])
        dy = rows / image.shape[0] - y
        dx = columns / image.shape[1] - x
        region = (dy / high) ** 2 + (dx / wide) ** 2 <= 1
        made.append(project_types.ClickQuery(image, region, region))
    return made


def points(click_map):
    """Returns points of a map relative to its highest."""
    return (click_map / click_map.max())[::STRIDE, ::STRIDE].astype(np.float32)


def play(model, name, query):
    """Returns points of the map of SM or SI."""
    source = functools.partial(adapter.saliency, model)
    made = saliency_models.click_map(query, source=source, background=name == "SI")
    return points(made)


def original():
    """Imports RClicks's module of click models, and its network, on a CPU."""
    stand_ins.install()
    root = kit.checkout("rclicks")
    checkouts.use(str(root), "transalnet")
    package = types.ModuleType("rclicks")
    package.__path__ = [str(root / "rclicks" / "rclicks")]
    sys.modules["rclicks"] = package
    # What its other click models and its reading of data sets need.
    absent = {
        "rclicks.clickmap": {"Clicks": object},
        "rclicks.data": {},
        "rclicks.utils": {},
        "albumentations": {},
        "isegm": {"data": types.SimpleNamespace(base=types.SimpleNamespace())},
    }
    absent["isegm"]["data"].base.ISDataset = object
    for name, attributes in absent.items():
        module = types.ModuleType(name)
        vars(module).update(attributes)
        sys.modules[name] = module
    torch.cuda.FloatTensor = torch.FloatTensor
    torch.Tensor.cuda = lambda self: self
    return importlib.import_module("rclicks.clicksim")


def write_golden():
    """Has the original make every map."""
    from run_case import version_of

    clicksim = original()
    network = adapter.build(str(kit.checkout("rclicks")))
    network.load_state_dict(seeded_weights(network))
    network.eval()
    classes = {"SM": clicksim.SaliencyModel, "SI": clicksim.SaliencyImageModel}
    arrays = {}
    for index, query in enumerate(queries()):
        for name, made in classes.items():
            region = query.error_mask.astype(np.float32)
            answer = made(network)(query.image / 255.0, region, region)
            arrays[f"{name}/{index}"] = points(answer)
    provenance = {
        "repository": "https://github.com/emb-ai/rclicks",
        "commit": version_of("rclicks"),
        "weights": RECIPE,
        "photographs": f"GrabCut 271008, grave; longer side {LONGEST}",
        "versions": f"Python {sys.version.split()[0]}, torch {torch.__version__}, "
        f"NumPy {np.__version__}",
    }
    text = json.dumps(provenance, indent=1, sort_keys=True)
    np.savez_compressed(GOLDEN, provenance=text, **arrays)


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_golden()
