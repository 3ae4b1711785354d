"""Passes of a network on the devices of this host: one program, equal parts of rows.

A pass has a fixed number of rows a device, since XLA does not promise equal bits for
another batch shape. The program is compiled once for all devices, which advance
together; rows do not depend on each other. So a map has the same bits for any number of
devices with the same batch.

Squares of images and targets come back at every click of an object, for each of its
groups. They are kept on the devices, in slots, and a row names its slots.
"""

import collections
import contextlib
import functools
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import flax.errors
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from rclicks_jax import errors
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.ops import scaling

ROWS = "rows"
EVERYWHERE, DIVIDED = PartitionSpec(), PartitionSpec(ROWS)
# Passes under way at a time: one on the devices, and the next, which is sent meanwhile.
UNDER_WAY = 2
# The original's use in the benchmark adds this to the range, its training 1e-9.
_RANGE_EPSILON = 1e-8
# Errors of XLA after which a device cannot be used any more.
_OF_DEVICE = ("INTERNAL", "UNAVAILABLE", "DATA_LOSS", "ABORTED", "UNKNOWN", "CANCELLED")


def is_of_device(error: Exception) -> bool:
    """Tells whether XLA says that a device cannot be used any more."""
    of_xla = isinstance(error, jax.errors.JaxRuntimeError)
    return of_xla and str(error).startswith(_OF_DEVICE)


class Plan(NamedTuple):
    """All that a compiled pass depends on, apart from the shapes of variables.

    Attributes:
        net: The network.
        exact: Whether products of float32 have all their bits.
        mesh: The devices.
        batch: Rows of a pass on each device.
        size: Side of the squares, pixels.
    """

    net: nn.Module
    exact: bool
    mesh: Mesh
    batch: int
    size: int

    @property
    def rows(self) -> int:
        """Rows of a pass on all devices together."""
        return self.batch * self.mesh.size

    @property
    def slots(self) -> int:
        """Number of images, and of targets, that are kept on the devices."""
        return self.rows * UNDER_WAY

    @property
    def everywhere(self) -> NamedSharding:
        """Sharding of an array that each device has."""
        return NamedSharding(self.mesh, EVERYWHERE)

    @property
    def divided(self) -> NamedSharding:
        """Sharding of an array whose first axis is divided among the devices."""
        return NamedSharding(self.mesh, DIVIDED)


def local_mesh(count: int) -> Mesh:
    """Returns devices of this host, JAX's default device first.

    Args:
        count: How many; 0 for all.

    Raises:
        BadValueError: The host has fewer.
    """
    default: Any
    (default,) = jnp.zeros(()).devices()
    local = cast(list[Any], jax.local_devices(backend=default.platform))
    if not 0 <= count <= len(local):
        are = "device is" if len(local) == 1 else "devices are"
        raise errors.BadValueError(
            "devices",
            count,
            f"0 for all, or 1 to {len(local)}",
            f" {len(local)} {default.platform} {are} in this host.",
        )
    first = local.index(default)
    chosen = [default, *local[:first], *local[first + 1 :]][: count or len(local)]
    return Mesh(np.array(chosen), (ROWS,))


def on_each(
    function: Callable[..., Any], mesh: Mesh, in_specs: Any, out_specs: Any
) -> Callable[..., Any]:
    """Runs a function on each device, with its part of the arrays.

    Args:
        function: The function; it knows nothing of other devices.
        mesh: The devices.
        in_specs: `EVERYWHERE` or `DIVIDED` for each argument, or one for all.
        out_specs: The same for the results.
    """
    # With the check, loops whose state begins as a constant would not be traced.
    return jax.shard_map(
        function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False
    )


class Program(NamedTuple):
    """A compiled pass.

    Attributes:
        maps: Returns click maps, `f32[rows size size]`, of variables, squares of images
            and their slots, squares of targets and their slots, squares of regions.
        needed: Memory that passes under way need together on each device, bytes; 0 if
            that is not known.
    """

    maps: Callable[..., jax.Array]
    needed: int


def compile_pass(plan: Plan, variables: Variables) -> Program:
    """Compiles a pass; equal plans and shapes share what was compiled.

    Args:
        plan: What to compile.
        variables: Variables of the network, or arrays of their shapes and types.

    Raises:
        DataError: The variables do not fit the network.
    """
    leaves: list[jax.Array] = jax.tree.leaves(variables)
    shapes = tuple((leaf.shape, np.dtype(leaf.dtype)) for leaf in leaves)
    return _compile(plan, cast(Any, jax.tree.structure(variables)), shapes)


@functools.lru_cache(maxsize=16)
def _compile(
    plan: Plan,
    tree: Any,
    shapes: Sequence[tuple[tuple[int, ...], np.dtype[Any]]],
) -> Program:
    leaves = [jax.ShapeDtypeStruct(*shape) for shape in shapes]
    variables: Variables = jax.tree.unflatten(tree, leaves)
    compiled = lower(plan, variables).compile()
    memory = compiled.memory_analysis()
    if memory is None:
        return Program(compiled, 0)
    regions = plan.batch * plan.size**2 * np.dtype(np.float32).itemsize
    of_pass = regions + memory.output_size_in_bytes + memory.temp_size_in_bytes
    # Variables and slots are there once; so are the regions among the arguments.
    shared = memory.argument_size_in_bytes - regions
    code = memory.generated_code_size_in_bytes - memory.alias_size_in_bytes
    return Program(compiled, shared + code + UNDER_WAY * of_pass)


def lower(plan: Plan, variables: Variables) -> jax.stages.Lowered:
    """Lowers a pass; its text says all that was lowered.

    Args:
        plan: What to lower.
        variables: Variables of the network, or arrays of their shapes and types.

    Raises:
        DataError: The variables do not fit the network.
    """
    everywhere = functools.partial(jax.ShapeDtypeStruct, sharding=plan.everywhere)

    def shape(leaf: jax.Array) -> jax.ShapeDtypeStruct:
        return everywhere(leaf.shape, leaf.dtype)

    divided = functools.partial(jax.ShapeDtypeStruct, sharding=plan.divided)
    square, slots = (plan.size, plan.size), divided((plan.rows,), jnp.int32)
    run = on_each(
        functools.partial(_maps, plan.net, plan.exact),
        plan.mesh,
        (EVERYWHERE, EVERYWHERE, DIVIDED, EVERYWHERE, DIVIDED, DIVIDED),
        DIVIDED,
    )
    try:
        return jax.jit(run).lower(
            jax.tree.map(shape, variables),
            everywhere((plan.slots, *square, 3), jnp.float32),
            slots,
            everywhere((plan.slots, *square), jnp.float32),
            slots,
            divided((plan.rows, *square), jnp.float32),
        )
    except flax.errors.FlaxError as error:
        # It ends with the address of a page about Flax.
        cause = str(error).partition(" (http")[0]
        raise errors.DataError(
            f"The weights do not fit the network that their card names: {cause}"
        ) from error


def _maps(
    net: nn.Module,
    exact: bool,
    variables: Variables,
    images: jax.Array,
    image_slots: jax.Array,
    targets: jax.Array,
    target_slots: jax.Array,
    regions: jax.Array,
) -> jax.Array:
    """Returns the click maps of the rows of one device, `f32[batch size size]`."""
    masks = jnp.stack([targets[target_slots], regions], axis=-1)
    # Accelerators would otherwise multiply float32 in fewer bits.
    with jax.default_matmul_precision("highest" if exact else None):
        logits: Any = net.apply(variables, images[image_slots], masks)
    return scaling.scale_to_unit(logits.astype(jnp.float32), _RANGE_EPSILON)


_Reference: TypeAlias = "weakref.ReferenceType[np.ndarray]"


class Slots:
    """Squares on every device, found again by the array that they were made of.

    An array that has a square must not change: it is known by its identity, as long as
    somebody else keeps it. The oldest squares make room, but none of the pass that is
    being prepared, since a pass has half as many rows as there are slots.
    """

    def __init__(self, plan: Plan, channels: tuple[int, ...]) -> None:
        """Keeps nothing yet; squares have the shape `(size, size, *channels)`."""
        self._plan = plan
        self._shape = (plan.slots, plan.size, plan.size, *channels)
        self.forget()

    def forget(self) -> None:
        """Forgets all squares, as after an error that may have damaged them."""
        self._kept: collections.OrderedDict[int, tuple[_Reference, int]]
        self._kept = collections.OrderedDict()
        self._free = list(range(self._plan.slots))
        self._squares: jax.Array | None = None

    @property
    def squares(self) -> jax.Array:
        """All squares, `f32[slots size size ...]`."""
        if self._squares is None:
            zeros = jnp.zeros(self._shape, jnp.float32, device=self._plan.everywhere)
            self._squares = zeros
        return self._squares

    def find(
        self,
        array: np.ndarray,
        write: Callable[[np.ndarray, jax.Array, int], jax.Array],
    ) -> int:
        """Returns the slot of an array's square.

        Args:
            array: The image or mask, or its square.
            write: Puts the array's square into a slot of the squares, which it may use
                up; called if the square is not there.
        """
        kept = self._kept.pop(id(array), None)
        if kept is not None and kept[0]() is not array:
            # Another array had this identity, and is gone.
            self._free.append(kept[1])
            kept = None
        if kept is None:
            if not self._free:
                _, (_, oldest) = self._kept.popitem(last=False)
                self._free.append(oldest)
            # What cannot be written takes no slot.
            self._squares = write(array, self.squares, self._free[-1])
            kept = weakref.ref(array), self._free.pop()
        self._kept[id(array)] = kept
        return kept[1]


def put(square: np.ndarray, squares: jax.Array, slot: int) -> jax.Array:
    """Copies a square of the host into a slot; uses up `squares`."""
    return _put(squares, np.int32(slot), jax.device_put(square, squares.sharding))


def _set(squares: jax.Array, slot: jax.Array, square: jax.Array) -> jax.Array:
    return squares.at[slot].set(square)


_put: Callable[..., jax.Array] = jax.jit(_set, donate_argnums=0)


class Passes:
    """The passes of a network, and the squares that it keeps on the devices.

    Attributes:
        plan: What is compiled.
        images: Squares of images, normalised, `f32[slots size size 3]`.
        targets: Squares of targets, `f32[slots size size]`.
    """

    def __init__(self, plan: Plan, variables: Variables) -> None:
        """Puts the variables on the devices."""
        self.plan = plan
        self.images = Slots(plan, (3,))
        self.targets = Slots(plan, ())
        self._variables = jax.device_put(variables, plan.everywhere)
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def preparing(self) -> Generator[None]:
        """Keeps other threads from preparing a pass; explains what devices raise.

        Raises:
            DeviceError: A device is lost.
            DeviceMemoryError: A device has not enough memory.
        """
        with self._lock, self._explained():
            yield

    def send(self, arrays: Any) -> Any:
        """Sends a tree of arrays, divided among devices; raises as `preparing`."""
        with self._explained():
            return jax.device_put(arrays, self.plan.divided)

    def start(
        self,
        image_slots: Sequence[int] | np.ndarray,
        target_slots: Sequence[int] | np.ndarray,
        regions: np.ndarray | jax.Array,
    ) -> jax.Array:
        """Starts a pass and does not wait for it; to be called while `preparing`.

        Args:
            image_slots: Slot of each row's image; at most one a row.
            target_slots: Slot of each row's target.
            regions: Squares of the regions to mend, `f32[rows size size]`.

        Returns:
            The maps, `f32[rows size size]`; those of rows without slots mean nothing.

        Raises:
            DataError: The variables do not fit the network.
        """
        program = compile_pass(self.plan, self._variables)
        slots = np.zeros((2, self.plan.rows), np.int32)
        slots[0, : len(image_slots)] = image_slots
        slots[1, : len(target_slots)] = target_slots
        divided = jax.device_put((slots[0], slots[1], regions), self.plan.divided)
        return program.maps(
            self._variables,
            self.images.squares,
            divided[0],
            self.targets.squares,
            divided[1],
            divided[2],
        )

    def fetch(self, arrays: Any) -> Any:
        """Returns a tree of arrays in host memory; raises as `preparing`."""
        with self._explained():
            return jax.device_get(arrays)

    @contextlib.contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except RuntimeError as error:
            with self._lock:
                self.images.forget()
                self.targets.forget()
            line = str(error).partition("\n")[0]
            if "RESOURCE_EXHAUSTED" in line:
                raise errors.DeviceMemoryError(
                    f"in a pass of {self.plan.batch} click maps on each device: {line}"
                ) from error
            if not line.startswith(_OF_DEVICE):
                raise
            names = ", ".join(map(str, self.plan.mesh.devices.flat))
            raise errors.DeviceError(
                f"A device failed or was lost while click maps were made ({line}). "
                f"Devices: {names}. What is finished is kept: run the same command "
                "again."
            ) from error
