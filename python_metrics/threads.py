"""How many threads trees are grown in: one, for what is learned here is learned from few rows."""

from threadpoolctl import threadpool_limits


def one_thread() -> threadpool_limits:
    """A block in which scikit-learn's trees use one thread.

    Its threads wait for each other at every split, by spinning. On two cores that others used
    too, 20,000 rows of ten columns took 0.9 s in one thread and 37 s in two.
    """
    return threadpool_limits(limits=1, user_api="openmp")
