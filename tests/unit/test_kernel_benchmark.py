"""The benchmark of the kernel, at a size that takes a second."""

import numpy as np

from benchmarks.kernel import is_held, measure


def test_the_benchmark_holds_the_kernel_against_evidently_on_every_column() -> None:
    size = measure(np.random.default_rng(1), 300, 3000, asked=1, rounds=1)
    assert is_held(size), size
    assert not is_held({**size, "asked_ratio": 1e6})
