"""A fifth job, in fewer than 60 lines: how bright the objects of datasets are."""

import dataclasses

from rclicks_jax.data import packages, specs
from rclicks_jax.jobs import engine, records, store, work_units


@dataclasses.dataclass(frozen=True)
class BrightnessIdentity:
    """What can change a number."""

    data: dict[str, str]
    scale: float


class Brightness(engine.UnitJob):
    """The mean brightness of objects."""

    kind = "brightness"
    title = doing = "Brightness"
    mendable = ("scale",)

    def __init__(self, datasets, scale):
        self._datasets, self._scale = datasets, scale

    def identity(self):
        checksums = {package.dataset: package.checksum for package in self._datasets}
        return BrightnessIdentity(checksums, self._scale)

    def rows(self, unit):
        example = unit.source.read()
        for one in example.instances:
            inside = example.image[one.gt_mask == 1]
            value = round(self._scale / float(inside.mean()), 6)
            yield records.row(one.instance_id, "ok", value=value)
        for name, reason in example.problems:
            yield records.row(name, "skipped", reason)


def run(data, workdir, scale=1.0, **limits):
    datasets = [packages.open_instances(spec) for spec in specs.parse(data, 0)]
    units = work_units.of_packages(datasets, split="all")
    job = Brightness(datasets, scale)
    return engine.run(job, units, workdir, engine.Limits(**limits))


def values(workdir):
    return {
        row["instance_id"]: row["value"]
        for record in store.RunFolder(workdir).read_all()
        for row in record.rows
        if row["status"] == "ok"
    }
