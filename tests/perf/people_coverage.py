"""How often intervals of energy distance hold the true value, by simulated studies.

    python tests/perf/people_coverage.py [STUDIES]

A study has 40 tasks with 20 clicks in each of two modes, by 30 people a mode; each
person has a habit, a shift of all their clicks. Places are in sides of the box.
"""

import sys

import numpy as np

from rclicks_jax.metrics import energy, intervals, people_intervals
from rclicks_jax.metrics.people_intervals import TwoSets

TASKS, CLICKS, PEOPLE = 40, 20, 30
HABIT, SPREAD, DRAWS = 0.05, 0.17, 300
# What is changed in the second mode: shift, how much the shift differs between tasks,
# and the factor by which clicks are pulled to the middle.
CASES = {
    "nothing": (0.0, 0.0, 1.0),
    "shift of 0.05": (0.05, 0.0, 1.0),
    "pull to the middle, 0.7": (0.0, 0.0, 0.7),
    "shift of 0.1, other on each task": (0.1, 0.7, 1.0),
}


def study(random, shift, differing, pull):
    habits = random.normal(0, HABIT, (2, PEOPLE, 2))
    tasks = []
    for _ in range(TASKS):
        who = [random.choice(PEOPLE, CLICKS, replace=False) for _ in range(2)]
        one, other = random.normal(0, SPREAD, (2, CLICKS, 2))
        one, other = one + habits[0][who[0]], pull * (other + habits[1][who[1]])
        other[:, 0] += shift * (1 + differing * random.normal())
        names = [[f"{s}-{n}" for n in own] for s, own in enumerate(who)]
        tasks.append(TwoSets((1, 1), one, other, *names))
    return tasks


def truth(shift, differing, pull, draws=4000):
    random = np.random.default_rng(99)
    deviation = np.hypot(HABIT, SPREAD)
    values = []
    for _ in range(100):
        one, again, other, twin = random.normal(0, deviation, (4, draws, 2))
        moved = [shift * (1 + differing * random.normal()), 0]
        other, twin = pull * other + moved, pull * twin + moved
        apart = [np.hypot(*(a - b).T).mean()
                 for a, b in ((one, other), (one, again), (other, twin))]  # fmt: skip
        values.append(2 * apart[0] - apart[1] - apart[2])
    return np.mean(values)


def main(studies):
    for name, case in CASES.items():
        true = truth(*case) if name != "nothing" else 0.0
        held, width, above = np.zeros((3, 3))
        means = []
        for number in range(studies):
            tasks = study(np.random.default_rng(number), *case)
            values = [energy.energy(t.one_yx, t.other_yx, t.box_hw) for t in tasks]
            images = intervals.bootstrap_mean(
                np.array(values), np.arange(TASKS), draws=DRAWS
            )
            people = people_intervals.over_people(tasks, draws=DRAWS).energy
            means.append(images.mean)
            both = people_intervals.wider(images, people)
            for kind, found in enumerate((images, people, both)):
                held[kind] += found.low <= true <= found.high
                width[kind] += found.high - found.low
                above[kind] += found.low > 0
        print(
            f"{name}: true {true:.4f}, mean {np.mean(means):.4f}; over photographs, "
            f"people, wider: hold it {held / studies}, width over that of 95 % of "
            f"studies {width / studies / (3.92 * np.std(means))}, above 0 "
            f"{above / studies}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
