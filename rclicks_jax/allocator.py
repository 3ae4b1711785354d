"""The allocator of this process: freed memory is kept for the next array.

glibc gives the memory of large arrays back to the kernel, which fills it with zeros for
the next. On a CPU that is up to a seventh of the time of a network.
"""

import ctypes

# Parameters of glibc's `mallopt`, and a size that is never reached.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX, _NEVER = -1, -3, -8, (1 << 31) - 1


def keep_freed_memory() -> None:
    """Keeps freed memory in the process, where the allocator is glibc's.

    Threads share one heap, since their own ones cannot hold large arrays. So call it
    before there are threads: what they have by then stays.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _NEVER)
        mallopt(_MMAP_THRESHOLD, _NEVER)
        mallopt(_ARENA_MAX, 1)
