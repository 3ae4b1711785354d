"""The speed of annotators, and an annotation project; imports nothing."""

from typing import NamedTuple


class Seconds(NamedTuple):
    """A duration in seconds.

    Attributes:
        mean: The mean.
        spread: Standard deviation of our knowledge of the mean.
    """

    mean: float
    spread: float


class Pace(NamedTuple):
    """The speed of annotators. The defaults are assumptions, to be measured.

    Attributes:
        click: Time to decide on a click and make it.
        inspection: Time to look at the answer to a click.
        instance: Time to find an object and to finish it, once for each object.
        polygon: Time to draw an object by hand. The default is COCO's 80 s.
    """

    click: Seconds = Seconds(2.0, 0.5)
    inspection: Seconds = Seconds(1.0, 0.3)
    instance: Seconds = Seconds(5.0, 1.5)
    polygon: Seconds = Seconds(80.0, 15.0)


class Project(NamedTuple):
    """An annotation project: its size and its price.

    Attributes:
        objects: Number of objects in the whole dataset.
        hourly_price: Price of one hour of an annotator, in any currency.
        hours_a_day: Hours that an annotator works on a day.
        days: Number of working days for the project.
    """

    objects: int
    hourly_price: float = 15.0
    hours_a_day: float = 6.0
    days: float = 20.0
