"""The allocator keeps freed memory, also that of threads."""

import platform
import subprocess
import sys

import pytest

# Page faults of ten arrays of 64 MB, each freed before the next, in a thread.
PROGRAM = """
import resource, sys, threading
import numpy as np
from rclicks_jax import allocator

if sys.argv[1] == "keep":
    allocator.keep_freed_memory()


def fill(times):
    for _ in range(times):
        np.empty(64 << 20, np.uint8).fill(1)


def work():
    fill(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    fill(10)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def faults(how):
    command = [sys.executable, "-c", PROGRAM, how]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_arrays_of_a_thread_take_the_memory_of_those_before():
    kept, given_back = faults("keep"), faults("nothing")
    # NumPy asks for huge pages, so that an array may be 32 faults or 16,384.
    assert given_back >= 10 * 32
    assert kept < given_back / 10
