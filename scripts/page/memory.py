"""What the process of the page holds of memory that it no longer needs."""

import ctypes
import sys
from contextlib import suppress

# of glibc's malloc.h
M_MMAP_THRESHOLD = -3
# bytes: glibc's own, before it grows
LARGE = 128 * 1024


def give_back() -> None:
    """Let large pieces of memory go back to the system as soon as they are freed.

    glibc raises by itself, up to 32 MB, what counts as large. So all that reading a
    text takes would come from its heap, which shrinks at its end only, and the page
    would grow for minutes by what lies free between what is held. A limit that is set
    is not raised. Other systems are left as they are.
    """
    if sys.platform == "linux":
        # another C library has no such function
        with suppress(AttributeError):
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)
