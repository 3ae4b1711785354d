"""Five thousand objects in one run: memory does not grow with what is done.

RCLICKS_SOAK_IMAGES chooses another number of images, of ten objects each.
"""

import os

import numpy as np
from helpers import write_image

from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.bridge import worker
from rclicks_jax.jobs import store
from rclicks_jax.results import outputs
from rclicks_jax.settings import benchmark

IMAGES = int(os.environ.get("RCLICKS_SOAK_IMAGES", "500"))
OBJECTS = 10
# Of records: about 40 KB an object on disk; tables keep areas and clicks' counts.
ALLOWED_RUN, ALLOWED_TABLES = 60 << 20, 300 << 20


def make_labels(folder):
    random = np.random.default_rng(0)
    rows, columns = np.indices((40, 50))
    labels = 1 + rows // 20 * 5 + columns // 10
    labels[:, 8::10] = 0
    for number in range(IMAGES):
        image = random.integers(0, 255, (40, 50, 3), dtype=np.uint8)
        write_image(folder / "images" / f"{number:04}.png", image)
        write_image(folder / "labels" / f"{number:04}.png", labels.astype(np.uint8))
    return folder


def test_memory_does_not_grow_over_five_thousand_objects(tmp_path, monkeypatch):
    settings = benchmark.BenchmarkConfig(
        data=f"folder:{make_labels(tmp_path / 'data')}",
        segmenter="noisy",
        click_model="UD",
        pictures=2,
    )
    sizes = []
    write = store.RunFolder.write

    def noting(folder, record):
        write(folder, record)
        sizes.append(worker.resident_bytes())

    monkeypatch.setattr(store.RunFolder, "write", noting)
    outcome = benchmark_job.run(settings, tmp_path / "run")
    assert outcome.counts == {"ok": IMAGES * OBJECTS, "skipped": 0, "failed": 0}
    early, late = sizes[IMAGES // 5], sizes[-1]
    outputs.write(store.RunFolder(tmp_path / "run"))
    published = worker.resident_bytes()
    print(
        f"{early >> 20} MiB after {IMAGES // 5} images, {late >> 20} MiB after "
        f"{IMAGES}, {published >> 20} MiB after the tables"
    )
    assert late - early < ALLOWED_RUN
    assert published - late < ALLOWED_TABLES
