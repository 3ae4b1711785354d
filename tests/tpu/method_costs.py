"""What methods in JAX cost: programs of the table, products, and seconds of cores."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from tpu import table

# Of an object: the baseline and ten groups, 20 clicks each, on a photograph of its own.
TRAJECTORIES, CLICKS = 11, 20
ANSWERS = TRAJECTORIES * CLICKS
# A v4-32 has four hosts of 240 threads each, as far as is known.
HOSTS, THREADS = 4, 240
# Of an H200: products a second of bfloat16 at the maker's peak, and the share of it
# that large products reach.
PEAK, SHARE = 790e12, 0.4


class Products(NamedTuple):
    """Products and sums of a method, 10^9.

    Counted on the authors' networks; one multiplication with its addition is two.

    Attributes:
        encode: Of a photograph.
        answer: Of a trajectory and click, with its mirror image if there is one.
    """

    encode: float
    answer: float


class Programs(NamedTuple):
    """Programs of the table, by name and what is in their shape.

    Attributes:
        encode: Of photographs; None if there is none.
        answer: Of trajectories.
    """

    encode: tuple[str, str] | None
    answer: tuple[str, str]

    def are_in(self, rows: Sequence[table.Row], chip: str) -> bool:
        """Tells whether the table has them all."""
        return None not in (
            table.find(rows, chip, *each) for each in self if each is not None
        )


class Cores(NamedTuple):
    """Seconds of cores that a method takes through the bridge with PyTorch, measured.

    Attributes:
        encode: Of a photograph.
        answer: Of a trajectory and click.
    """

    encode: float
    answer: float


class Example(NamedTuple):
    """A method with programs of its own.

    Attributes:
        products: What it computes.
        programs: Its programs.
        cores: What it takes through the bridge; None if that was not measured.
    """

    products: Products
    programs: Programs
    cores: Cores | None = None


@dataclasses.dataclass(frozen=True)
class Method:
    """A method and a size.

    Attributes:
        name: What the table calls it.
        products: What it computes.
        programs: Its programs; None if none are compiled for it.
        cores: What it takes through the bridge; None if that was not measured.
        like: A method whose times stand for its own, in proportion to products, where
            the table lacks its programs; None if there is no such method.
        further: Passes of the first click after the first pass.
    """

    name: str
    products: Products
    programs: Programs | None = None
    cores: Cores | None = None
    like: Example | None = None
    further: int = 0

    @property
    def answers(self) -> int:
        """Passes for an object."""
        return ANSWERS + TRAJECTORIES * self.further

    def example(self, rows: Sequence[table.Row], chip: str = "v4") -> Example | None:
        """Returns whose programs say how long it takes: its own if they are there."""
        own = None if self.programs is None else Example(self.products, self.programs)
        for example in (own, self.like):
            if example is not None and example.programs.are_in(rows, chip):
                return example
        return None

    def seconds(
        self, rows: Sequence[table.Row], example: Example, chip: str = "v4"
    ) -> float:
        """Returns the seconds of an object on one chip, from those of an example."""
        products, programs, _ = example
        answer, batch = table.estimate(rows, chip, *programs.answer)
        total = self.answers * answer / batch * self.products.answer / products.answer
        if programs.encode is not None:
            encode, batch = table.estimate(rows, chip, *programs.encode)
            total += encode / batch * self.products.encode / products.encode
        return total

    def bridge(self) -> float | None:
        """Returns the seconds of cores of an object through the bridge with PyTorch.

        Where it was not measured they are those of `like`, in proportion to products;
        None if there is no such method, or it was not measured either.
        """
        if self.cores is not None:
            return self.cores.encode + self.answers * self.cores.answer
        if self.like is None or self.like.cores is None:
            return None
        products, _, cores = self.like
        total = self.answers * cores.answer * self.products.answer / products.answer
        if products.encode:
            total += cores.encode * self.products.encode / products.encode
        return total

    def h200(self) -> float:
        """Returns the seconds of an object on an H200, if products alone count."""
        products = self.products.encode + self.answers * self.products.answer
        return products * 1e9 / PEAK / SHARE


_SAM = Programs(("SAM encoder", "`vit_b`"), ("SAM decoder", "64 of 8"))
_SAM2 = Programs(("SAM 2 encoder", "`hiera_b+`"), ("SAM 2 decoder", "64 of 8"))
_SAM_HQ = Programs(("SAM-HQ encoder", "`vit_b`"), ("SAM-HQ decoder", "64 of 8"))
_MOBILE_SAM = Programs(("MobileSAM encoder", "`vit_t`"), ("SAM decoder", "64 of 8"))
_SIMPLECLICK = Programs(None, ("SimpleClick", "`vit_base`"))
_SEGNEXT = Programs(("SegNext encoder", "`vitb_sax2`"), ("SegNext", "`vitb_sax2`"))
_H18 = Programs(None, ("RITM", "`h18_itermask`"))
_H32 = Programs(None, ("RITM", "`h32_itermask`"))

# Seconds of cores: docs/results/native_segmenters.md, "Speed on CPU".
_SAM_B = Example(Products(972, 3.8), _SAM, Cores(15.77, 1.19 / TRAJECTORIES))
_SAM2_B = Example(Products(647, 3.8), _SAM2, Cores(8.37, 1.05 / TRAJECTORIES))
_BASE = Example(Products(0, 323), _SIMPLECLICK, Cores(0, 50.78 / TRAJECTORIES))
_SAX2 = Example(Products(933, 318), _SEGNEXT, Cores(12.06, 57.75 / TRAJECTORIES))
_RITM = Example(Products(0, 61), _H18, Cores(0, 8.16 / TRAJECTORIES))

METHODS = (
    Method("SAM `vit_b`", *_SAM_B),
    Method("SAM `vit_l`", Products(2986, 3.8), like=_SAM_B),
    Method("SAM `vit_h`", Products(5961, 3.8), like=_SAM_B),
    Method(
        "MobileSAM", Products(78, 3.8), _MOBILE_SAM, Cores(1.43, 1.06 / TRAJECTORIES)
    ),
    Method(
        "SAM-HQ `vit_b`", Products(980, 8.7), _SAM_HQ, Cores(13.41, 1.92 / TRAJECTORIES)
    ),
    Method(
        "SAM 2.1 `hiera_t`",
        Products(292, 3.8),
        cores=Cores(4.27, 1.12 / TRAJECTORIES),
        like=_SAM2_B,
    ),
    Method(
        "SAM 2.1 `hiera_s`",
        Products(360, 3.8),
        cores=Cores(4.60, 1.05 / TRAJECTORIES),
        like=_SAM2_B,
    ),
    Method("SAM 2.1 `hiera_b+`", *_SAM2_B),
    Method(
        "SAM 2.1 `hiera_l`",
        Products(1823, 3.8),
        cores=Cores(21.54, 1.08 / TRAJECTORIES),
        like=_SAM2_B,
    ),
    Method("SimpleClick `vit_xtiny`", Products(0, 29), like=_BASE),
    Method("SimpleClick `vit_base`", *_BASE),
    Method("SimpleClick `vit_large`", Products(0, 1051), like=_BASE),
    Method("SimpleClick `vit_huge`", Products(0, 2800), like=_BASE),
    Method("CFR-ICL", Products(0, 2800), like=_BASE, further=1),
    Method(
        "SegNext `vitb_sax1`",
        Products(933, 208),
        cores=Cores(12.61, 43.08 / TRAJECTORIES),
        like=_SAX2,
    ),
    Method("SegNext `vitb_sax2`", *_SAX2),
    Method("RITM `h18s_itermask`", Products(0, 35), like=_RITM),
    Method("RITM `h18_itermask`", *_RITM),
    Method("RITM `h32_itermask`", Products(0, 165), _H32, like=_RITM),
)
