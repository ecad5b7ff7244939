"""Limits numeric work to one thread, since its data are small."""

import functools
from contextlib import AbstractContextManager

from threadpoolctl import ThreadpoolController


def one_thread(libraries: str = "openmp") -> AbstractContextManager[object]:
    """A block in which scikit-learn's trees use one thread, or products of matrices.

    Threads of trees wait for each other at every split, by spinning. On two cores that others used
    too, 20,000 rows of ten columns took 0.9 s in one thread and 37 s in two.

    Parameters
    ----------
    libraries : str
        ``openmp`` for trees, ``blas`` for products of matrices.
    """
    limited: AbstractContextManager[object] = _loaded().limit(limits=1, user_api=libraries)
    return limited


@functools.cache
def _loaded() -> ThreadpoolController:
    """Libraries of this process: looking for them takes 7 ms, several times a day."""
    # What is loaded later would not be limited.
    import sklearn.ensemble  # noqa: F401

    return ThreadpoolController()
