"""Times what rounds of 11 trajectories take beside the click model's network itself.

    python tests/perf/overhead.py

The network is `b` with random weights. Masks are made before and handed out, so that a
segmenter's network, which would only make the overhead look smaller, is left out.
"""

import dataclasses
import statistics
import time

import page
import played
import rounds

from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.networks import cards, clickability, infer, passes
from rclicks_jax.settings import networks, protocols

CLICKS, REPEATS = 4, 3


class TimedPasses(passes.Passes):
    """Passes that add up the seconds of the network."""

    seconds = 0.0

    def start(self, *arguments):
        start = time.perf_counter()
        maps = super().start(*arguments).block_until_ready()
        self.seconds += time.perf_counter() - start
        return maps


def model():
    network = networks.network("b")
    card = cards.Card(network, 416, 5.0, "nothing", "random weights", {})
    variables = clickability.init_variables(network, 0)
    made = infer.ClickabilityModel(variables, card, batch=10)
    made.passes = TimedPasses(made.passes.plan, variables)
    return made


def row_of(click_model, height, width):
    example = played.example_of(height, width)
    gt_mask = example.instances[0].gt_mask
    prepared = played.Prepared(gt_mask, CLICKS, rounds.TRAJECTORIES)
    protocol = dataclasses.replace(protocols.PAPER, max_clicks=CLICKS)
    setup = Setup(protocol, 0, tuple(range(1, 11)), True, 1)

    def play():
        click_model.passes.seconds = 0.0
        start = time.perf_counter()
        played.play_images([example], prepared, click_model, setup, places=1)
        return time.perf_counter() - start, click_model.passes.seconds

    play()
    whole, network = zip(*(play() for _ in range(REPEATS)), strict=True)
    ratios = [100 * (w / n - 1) for w, n in zip(whole, network, strict=True)]
    cells = [statistics.median(one) / CLICKS for one in (whole, network)]
    return (
        f"| {height}x{width} | {cells[0]:.2f} s | {cells[1]:.2f} s "
        f"| {statistics.median(ratios):.1f} % |"
    )


def table():
    yield page.machine()
    yield ""
    yield "| photograph | a round | of which network | overhead |"
    yield "|---|---:|---:|---:|"
    click_model = model()
    for shape in rounds.SHAPES:
        yield row_of(click_model, *shape)


def main():
    page.put("overhead", page.printed(table()))


if __name__ == "__main__":
    main()
