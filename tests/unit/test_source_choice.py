"""Which days of downloaded months train, are the reference, and are measured."""

from pathlib import Path

import pytest

from dagster_taxi.commands.demo import days_to_run
from dagster_taxi.source_choice import SourceChoice, chosen, own_days, remember
from tests.integration.pipeline import days


def test_of_several_months_the_first_trains_and_refers_and_the_others_are_measured() -> None:
    own = own_days("2021-12..2022-02")
    assert own.trained == days("2021-12-01", "2021-12-10")
    assert own.reference == days("2021-12-11", "2021-12-31")
    assert own.measured == days("2022-01-01", "2022-02-28")
    assert days_to_run(None, None, "tlc", "2021-12..2022-02") == own.measured


def test_a_single_month_is_split_in_three() -> None:
    own = own_days("2022-02")
    assert own.reference == days("2022-02-11", "2022-02-20")
    assert own.measured == days("2022-02-21", "2022-02-28")


def test_a_choice_is_remembered_and_files_keep_the_declared_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    assert chosen() == SourceChoice("simulated")
    choice = SourceChoice("files", directory="trips", taxi="green")
    remember(choice)
    assert chosen() == choice
    assert choice.own_days is None
