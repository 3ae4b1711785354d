"""How often a study tells noisy phones from PCs, by the noise; without a server.

python tests/perf/phone_noise.py [STUDIES]

A study is that of tests/soak/test_simulation.py: 20 ellipses of 70 to 110 pixels on
240 x 320, three display modes, one of them pulled to the middle by half, 22 clicks a
mode and device, 100 people on each. Clicks are those of bots: around the middle of the
object, and on it; phones add noise, and what it throws farther off the object than a
click radius is rejected and clicked again.
"""

import math
import sys

import numpy as np

from rclicks_jax.collection.results import power
from rclicks_jax.data import targets

_SPREAD = 0.17
_TASKS, _CLICKS, _PEOPLE = 20, 22, 100
_PULLS = (1.0, 1.0, 0.5)
_PERMUTATIONS, _LEVEL = 199, 0.01
_RADIUS = targets.click_radius((240, 320))


def click(axes, pull, noise, generator):
    """Returns a click from the middle, pixels, and how many were rejected before it."""
    rejected = 0
    while True:
        meant = generator.normal(0, _SPREAD, 2) * 2 * axes
        if math.hypot(*(meant / axes)) > 1:
            continue
        place = pull * meant + generator.normal(0, noise * _RADIUS, 2)
        beyond = math.hypot(*(place / axes))
        # Along the line to the middle, which is a little farther than the nearest.
        if beyond <= 1 or math.hypot(*place) * (1 - 1 / beyond) <= _RADIUS:
            return place, rejected
        rejected += 1


def study(noise, generator):
    """Returns the clicks of a study, and the share of phones' that were rejected."""
    rows, rejected = [], 0
    for task in range(_TASKS):
        axes = generator.integers(35, 55, 2)
        for phone in (0, 1):
            people = generator.permutation(_PEOPLE) + _PEOPLE * phone
            for number in range(_CLICKS * len(_PULLS)):
                pull = _PULLS[number // _CLICKS]
                place, more = click(axes, pull, noise * phone, generator)
                rejected += more
                rows.append((*(place / (2 * axes)), task, people[number], phone))
    table = np.array(rows)
    places, (task, person, mode) = table[:, :2], table[:, 2:].T.astype(np.int64)
    share = rejected / (rejected + len(rows) / 2)
    return power.Clicks(places, task, person, mode), share


def main():
    """Prints the table."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print("noise, radii  rejected  farther from the middle  told apart")
    for noise in (0, 1, 2, 4, 6):
        found, shares, ratios = 0, [], []
        for seed in range(studies):
            generator = np.random.Generator(np.random.Philox((seed, noise)))
            clicks, share = study(noise, generator)
            lengths = np.hypot(*clicks.places.T)
            far = [lengths[clicks.mode == mode].mean() for mode in (0, 1)]
            p = power.p_value(clicks, _TASKS, generator, _PERMUTATIONS)
            found += p <= _LEVEL
            shares.append(share)
            ratios.append(far[1] / far[0])
        told = f"{np.mean(shares):8.1%}  {np.mean(ratios):23.2f}  {found} of {studies}"
        print(f"{noise:12}  {told}")


if __name__ == "__main__":
    main()
