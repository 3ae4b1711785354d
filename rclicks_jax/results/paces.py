"""How fast people annotate, and what an annotation project is; imports nothing."""

from typing import NamedTuple


class Seconds(NamedTuple):
    """How long something takes: a mean, and how unsure that mean is (a deviation)."""

    mean: float
    spread: float


class Pace(NamedTuple):
    """How fast people annotate. The defaults are assumptions, to be measured.

    Attributes:
        click: To decide on a click and make it.
        inspection: To look at the answer to a click.
        instance: To find an object and to finish it, once.
        polygon: To draw an object by hand. The default is COCO's 80 s.
    """

    click: Seconds = Seconds(2.0, 0.5)
    inspection: Seconds = Seconds(1.0, 0.3)
    instance: Seconds = Seconds(5.0, 1.5)
    polygon: Seconds = Seconds(80.0, 15.0)


class Project(NamedTuple):
    """What is to be annotated, and at which price.

    Attributes:
        objects: How many objects the whole dataset has.
        hourly_price: Price of one hour of an annotator, in any currency.
        hours_a_day: Hours that an annotator annotates on a day.
        days: Working days until the dataset has to be finished.
    """

    objects: int
    hourly_price: float = 15.0
    hours_a_day: float = 6.0
    days: float = 20.0
