"""Many small cases as one test: what pytest does around each case would take longer than it."""

import functools
import inspect
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import pytest

Test = Callable[..., None]


def over(
    names: str | tuple[str, ...],
    cases: Iterable[Any],
    ids: Iterable[str] | Callable[[Any], str] = str,
) -> Callable[[Test], Test]:
    """Run a test over all cases in one go; where any fails, it fails with each of them by name.

    Parameters
    ----------
    names, cases, ids
        As `pytest.mark.parametrize` takes them. Fixtures are made once, not for each case.
    """
    values, named = list(cases), (names,) if isinstance(names, str) else names
    labels = [ids(case) for case in values] if callable(ids) else list(ids)

    def looped(test: Test) -> Test:
        def over_all(**fixtures: Any) -> None:
            wrong = []
            for label, case in zip(labels, values, strict=True):
                given = dict(zip(named, [case] if isinstance(names, str) else case, strict=True))
                try:
                    test(**fixtures, **given)
                except Exception as error:
                    wrong += [f"--- {label}", *traceback.format_exception(error)]
            assert labels, "no case"
            if wrong:
                pytest.fail("\n".join(wrong), pytrace=False)

        functools.update_wrapper(over_all, test)
        signature = inspect.signature(test)
        fixtures = [each for name, each in signature.parameters.items() if name not in named]
        over_all.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return over_all

    return looped
