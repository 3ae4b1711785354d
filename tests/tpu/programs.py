"""The programs that run on accelerators, as functions of the library, with shapes.

A further program is a function here that lowers it, and a row in `programs`.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.clicks import on_device
from rclicks_jax.networks import architectures, device_letterbox, passes
from rclicks_jax.networks.mobile_sam import network as mobile_sam_network
from rclicks_jax.networks.mobile_sam import sizes as mobile_sam_sizes
from rclicks_jax.networks.ritm import network as ritm_network
from rclicks_jax.networks.ritm import sizes as ritm_sizes
from rclicks_jax.networks.ritm import weights as ritm_weights
from rclicks_jax.networks.sam import network as sam_network
from rclicks_jax.networks.sam import sizes as sam_sizes
from rclicks_jax.networks.sam import weights as sam_weights
from rclicks_jax.networks.sam2 import network as sam2_network
from rclicks_jax.networks.sam2 import sizes as sam2_sizes
from rclicks_jax.networks.sam_hq import network as sam_hq_network
from rclicks_jax.networks.segnext import network as segnext_network
from rclicks_jax.networks.segnext import sizes as segnext_sizes
from rclicks_jax.networks.segnext import weights as segnext_weights
from rclicks_jax.networks.simpleclick import network as simpleclick_network
from rclicks_jax.networks.simpleclick import sizes as simpleclick_sizes
from rclicks_jax.networks.simpleclick import weights as simpleclick_weights
from rclicks_jax.ops import buckets, packed_masks
from rclicks_jax.ops.taps import Axes, Taps
from rclicks_jax.settings import networks
from rclicks_jax.training import devices, optimizers, recipes, state, steps
from rclicks_jax.types import PackedBatch

Lower = Callable[[Sequence[jax.Device]], Any]
Shape = jax.ShapeDtypeStruct
ARCHITECTURE = architectures.find(networks.CLICKABILITY)


@dataclasses.dataclass(frozen=True)
class Case:
    """A program for one kind of chip.

    Attributes:
        program: Name of the program.
        shape: What it works on, in words.
        chip: Name of the chip.
        devices: Devices it runs on.
        lower: Lowers it for the devices of a topology.
    """

    program: str
    shape: str
    chip: str
    devices: int
    lower: Lower


def on_one(lower_for: Callable[..., Any], *arguments: Any) -> Lower:
    """Lowers with the arrays among the arguments on the first device."""

    def lower(places: Sequence[jax.Device]) -> Any:
        place = jax.sharding.SingleDeviceSharding(places[0])

        def placed(leaf: Any) -> Any:
            if not isinstance(leaf, Shape):
                return leaf
            return Shape(leaf.shape, leaf.dtype, sharding=place)

        return lower_for(*jax.tree.map(placed, arguments))

    return lower


def variables_of(variant: str) -> Any:
    """Shapes of the variables of the click model's network."""
    fresh = ARCHITECTURE.init(networks.network(variant), 0)
    return jax.tree.map(lambda leaf: Shape(leaf.shape, leaf.dtype), fresh)


def click_maps(variant: str, batch: int, side: int) -> Lower:
    """The pass of the click model on one device, in bfloat16."""
    net = ARCHITECTURE.network(networks.network(variant), dtype=jnp.bfloat16)

    def lower(places: Sequence[jax.Device]) -> Any:
        mesh = jax.sharding.Mesh(np.array(places[:1]), (passes.ROWS,))
        plan = passes.Plan(net, exact=False, mesh=mesh, batch=batch, size=side)
        return passes.lower(plan, variables_of(variant))

    return lower


def training_step(variant: str, batch: int, side: int, *, remat: bool = False) -> Lower:
    """A step of the paper's recipe in bfloat16 on all devices, each with `batch`."""
    recipe = recipes.parse("paper:precision=bfloat16")
    optimizer = optimizers.make_optimizer(recipe, 1000, encoder=ARCHITECTURE.encoder)
    net = ARCHITECTURE.network(
        networks.network(variant),
        train=True,
        axis_name=devices.AXIS,
        dtype=jnp.dtype(recipe.precision),
        remat=remat,
    )
    step = steps.make_train_step(
        net,
        optimizer,
        masked=recipe.masked_loss,
        axis_name=devices.AXIS,
        without_cancelled=ARCHITECTURE.without_cancelled,
        ema=recipe.ema,
    )

    def lower(places: Sequence[jax.Device]) -> Any:
        run = devices.parallel_train_step(
            lambda state, packed, key: step(state, steps.unpack(packed), key), places
        )
        first = jax.eval_shape(
            lambda variables: state.create(variables, optimizer), variables_of(variant)
        )
        key = jax.eval_shape(lambda: jax.random.key(0))
        rows = (len(places), batch)
        packed = PackedBatch(
            image=Shape((*rows, side, side, 3), jnp.uint8),
            masks=Shape((*rows, side, side, 2), jnp.uint8),
            click_map=Shape((*rows, side, side), jnp.float16),
            box=Shape((*rows, 4), jnp.int32),
            weight=Shape(rows, jnp.float32),
        )
        return run.lower(first, packed, key)

    return lower


def draws(maps: int, height: int, width: int) -> Lower:
    """A click of one group from each of some maps, which are restored to native size.

    Eight pixels of each are not clicked again.
    """
    rows, columns = buckets.static_shape((height, width))
    run = functools.partial(on_device.draw, cut="mass", empty_map="uniform")
    return on_one(
        jax.jit(run).lower,
        Shape((16, 416, 416), jnp.float32),
        Shape((maps,), jnp.int32),
        Shape((maps, rows, columns // 8), jnp.uint8),
        Axes(taps(maps, rows), taps(maps, columns)),
        Shape((maps, 8, 2), jnp.int32),
        Shape((maps, 1), jnp.int32),
        Shape((maps, 1, 2), jnp.uint32),
    )


def taps(count: int, length: int) -> Taps:
    """Shapes of the taps of some axes of a length."""
    places, weights = (
        Shape((count, length), kind) for kind in (jnp.int32, jnp.float32)
    )
    return Taps(places, places, weights, weights)


def regions(masks: int, height: int, width: int) -> Lower:
    """Squares of some regions to mend, from bits."""
    rows, columns = buckets.static_shape((height, width))
    return on_one(
        jax.jit(jax.vmap(device_letterbox.mask_square)).lower,
        Shape((masks, rows, columns // 8), jnp.uint8),
        Axes(taps(masks, 416), taps(masks, 416)),
    )


def areas(masks: int, height: int, width: int) -> Lower:
    """Intersections and unions of a target and some masks, and of their bands."""
    rows, columns = buckets.static_shape((height, width))
    target = Shape((rows, columns // 8), jnp.uint8)
    predictions = Shape((masks, *target.shape), jnp.uint8)
    band_width = Shape((), jnp.int32)
    lower = jax.jit(packed_masks.areas).lower
    return on_one(lower, predictions, target, target, band_width)


def encoder(net: Any, photographs: int) -> Lower:
    """An image encoder, in bfloat16, of squares."""
    encode = jax.jit(functools.partial(net.apply, method="encode"))
    side = net.sizes.side
    square = Shape((photographs, side, side, 3), jnp.float32)
    return on_one(encode.lower, in_bfloat16(sam_weights.shapes_in(net)), square)


def decoder(net: Any, photographs: int, trajectories: int) -> Lower:
    """A decoder's pass, in bfloat16, of trajectories on some photographs."""
    size, variables = net.sizes, in_bfloat16(sam_weights.shapes_in(net))
    answer = jax.jit(functools.partial(net.apply, method="answer"))

    def begun(variables: Any, square: jax.Array) -> Any:
        encoded = net.apply(variables, square, method="encode")
        return net.apply(variables, encoded, method="begin")

    square = Shape((photographs, size.side, size.side, 3), jnp.float32)
    kept = jax.eval_shape(begun, variables, square)
    places, clicks = size.grid**2, 26
    return on_one(
        answer.lower,
        variables,
        jax.tree.map(lambda leaf: Shape(leaf.shape, leaf.dtype), kept),
        Shape((trajectories,), jnp.int32),
        Shape((trajectories, clicks, 2), jnp.float32),
        Shape((trajectories, clicks), jnp.bool_),
        Shape((trajectories,), jnp.int32),
        Shape((trajectories, 16, places), jnp.float32),
        Shape((trajectories,), jnp.bool_),
    )


def in_bfloat16(variables: Any) -> Any:
    """Returns shapes of variables whose matrices are bfloat16 already."""

    def cast(path: Any, leaf: Any) -> Shape:
        is_matrix = path[-1].key == "kernel"
        return Shape(leaf.shape, jnp.bfloat16 if is_matrix else leaf.dtype)

    return jax.tree_util.tree_map_with_path(cast, variables)


def simpleclick_pass(
    size: simpleclick_sizes.SimpleClickSizes, rows: int, side: int
) -> Lower:
    """SimpleClick's pass over crops and their mirror images, in bfloat16."""
    net = simpleclick_network.SimpleClick(size, jnp.bfloat16)
    answer = jax.jit(functools.partial(net.apply, method="answer"))
    clicks = 26
    squares = simpleclick_network.Squares(
        pixels=Shape((rows, side, side, 4), jnp.float32),
        points=Shape((rows, clicks, 2), jnp.float32),
        mirrored=Shape((rows, clicks), jnp.float32),
        positive=Shape((rows, clicks), jnp.bool_),
    )
    variables = in_bfloat16(simpleclick_weights.shapes_of(size))
    return on_one(answer.lower, variables, squares)


def ritm_pass(size: ritm_sizes.RitmSizes, rows: int, side: int) -> Lower:
    """RITM's pass over crops and their mirror images, in bfloat16."""
    net = ritm_network.Ritm(size, jnp.bfloat16)
    answer = jax.jit(functools.partial(net.apply, method="answer"))
    clicks = 26
    crops = ritm_network.Rows(
        pixels=Shape((rows, side, side, 3 + size.sees_previous), jnp.float32),
        size=Shape((rows, 2), jnp.int32),
        points=Shape((rows, clicks, 2), jnp.float32),
        mirrored=Shape((rows, clicks), jnp.float32),
        positive=Shape((rows, clicks), jnp.bool_),
    )
    variables = in_bfloat16(ritm_weights.shapes_of(size))
    return on_one(answer.lower, variables, crops)


def segnext_encoder(size: segnext_sizes.SegNextSizes) -> Lower:
    """SegNext's encoder, in bfloat16, of a square."""
    net = segnext_network.SegNext(size, jnp.bfloat16)
    encode = jax.jit(functools.partial(net.apply, method="encode"))
    square = Shape((1, size.side, size.side, 3), jnp.float32)
    return on_one(encode.lower, in_bfloat16(segnext_weights.shapes_of(size)), square)


def segnext_answer(size: segnext_sizes.SegNextSizes, rows: int) -> Lower:
    """What SegNext does at a click, in bfloat16, for rows that go together."""
    net = segnext_network.SegNext(size, jnp.bfloat16)
    answer = jax.jit(functools.partial(net.apply, method="answer"))
    plain, clicks = size.plain, 26
    return on_one(
        answer.lower,
        in_bfloat16(segnext_weights.shapes_of(size)),
        Shape((rows, plain.learnt**2, plain.dim), jnp.bfloat16),
        Shape((rows, size.side, size.side), jnp.float32),
        Shape((rows, clicks, 2), jnp.float32),
        Shape((rows, clicks), jnp.bool_),
    )


def prompted_networks() -> list[tuple[str, Any]]:
    """Returns SAM and its successors in bfloat16, by name, each of one size."""
    base = sam_sizes.PUBLISHED["vit_b"]
    sam2 = sam2_sizes.PUBLISHED["hiera_b+"]
    mobile = mobile_sam_sizes.PUBLISHED["vit_t"]
    return [
        ("SAM", sam_network.Sam(base, jnp.bfloat16)),
        ("SAM 2", sam2_network.Sam2(sam2, jnp.bfloat16)),
        ("SAM-HQ", sam_hq_network.SamHq(base, jnp.bfloat16)),
        ("MobileSAM", mobile_sam_network.mobile_sam(mobile, jnp.bfloat16)),
    ]


def programs() -> list[Case]:
    """Returns the programs as they are used, for each chip."""
    cases = []
    for chip in ("v4", "v5e", "v6e"):
        maps = "`b`, 16 of 416x416"
        cases.append(Case("click maps", maps, chip, 1, click_maps("b", 16, 416)))
        for height, width in ((480, 640), (1500, 2000)):
            size = f"of {height}x{width}"
            # As many maps as a device works on at a time.
            maps = 10 if height == 480 else 1
            placed, drawn = regions(maps, height, width), draws(maps, height, width)
            masks = areas(12, height, width)
            cases.append(Case("regions", f"{maps} {size}", chip, 1, placed))
            cases.append(Case("draws", f"{maps} {size}", chip, 1, drawn))
            cases.append(Case("areas", f"12 masks {size}", chip, 1, masks))
    for chip in ("v4", "v5e"):
        for name, net in prompted_networks():
            shape = f"`{net.sizes.variant}`, 4 photographs"
            cases.append(Case(f"{name} encoder", shape, chip, 1, encoder(net, 4)))
            # MobileSAM has the decoder of SAM.
            if name != "MobileSAM":
                shape, decodes = "64 of 8 photographs", decoder(net, 8, 64)
                cases.append(Case(f"{name} decoder", shape, chip, 1, decodes))
        base = simpleclick_sizes.PUBLISHED["vit_base"]
        answers = simpleclick_pass(base, 16, 448)
        cases.append(Case("SimpleClick", "`vit_base`, 16 crops", chip, 1, answers))
        for variant in ("h18_itermask", "h32_itermask"):
            # Few rows take as long: with the mirror images, these fill the lanes.
            answers = ritm_pass(ritm_sizes.PUBLISHED[variant], 64, 400)
            cases.append(Case("RITM", f"`{variant}`, 64 crops", chip, 1, answers))
        sax2 = segnext_sizes.PUBLISHED["vitb_sax2"]
        encodes, answers = segnext_encoder(sax2), segnext_answer(sax2, 8)
        cases.append(
            Case("SegNext encoder", "`vitb_sax2`, 1 photograph", chip, 1, encodes)
        )
        cases.append(Case("SegNext", "`vitb_sax2`, 8 clicks", chip, 1, answers))
    one_core = training_step("b", 8, 416)
    cases.append(Case("training step", "`b`, 8 a core", "v4 core", 8, one_core))
    again = training_step("b", 8, 416, remat=True)
    cases.append(Case("training step, remat", "`b`, 8 a core", "v4 core", 8, again))
    for chip, batch in (("v4", 1), ("v4", 16), ("v5e", 16), ("v6e", 16)):
        shape = f"`b`, batch {16 * batch}"
        step = training_step("b", batch, 416)
        cases.append(Case("training step", shape, chip, 16, step))
    return cases


def nano_programs() -> list[Case]:
    """Returns small programs of the same functions."""
    cases = []
    for chip in ("v4", "v5e", "v6e"):
        maps = click_maps("nano", 2, 64)
        cases.append(Case("click maps", "`nano`, 2 of 64x64", chip, 1, maps))
        masks = areas(2, 48, 64)
        cases.append(Case("areas", "2 masks of 48x64", chip, 1, masks))
    cases.append(Case("draws", "2 of 48x64", "v4", 1, draws(2, 48, 64)))
    small = dataclasses.replace(
        simpleclick_sizes.PUBLISHED["vit_xtiny"], dim=32, heads=2, hidden=64, depth=4
    )
    crops = simpleclick_pass(small, 1, 448)
    cases.append(Case("SimpleClick", "small, 1 crop", "v4", 1, crops))
    small_ritm = ritm_sizes.RitmSizes(8, 8, 1, (1, 1, 1), True, stem=8, narrow=8)
    crops = ritm_pass(small_ritm, 1, 64)
    cases.append(Case("RITM", "small, 1 crop", "v4", 1, crops))
    step = training_step("nano", 1, 64)
    cases.append(Case("training step", "`nano`, batch 16", "v4", 16, step))
    return cases
