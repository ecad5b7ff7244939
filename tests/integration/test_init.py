"""`driftmeter init`: what it proposes of a table, what it writes, and what it leaves alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.manifest import load_monitors
from driftmeter.monitors.proposal import propose
from tests.cases import over
from tests.programs import DBT, DRIFTMETER, KEPT_DBT, run_program

# 60 days of loans; from 15 February on the income is in cents. The last day has one row only in
# Berlin: 23:30 in UTC is the next day there.
LOANS = """
    create table public.loan_scores as
    select
        'L' || number as loan_id,
        timestamptz '2026-01-01 08:00+00' + number % 60 * interval '1 day' as scored_at,
        ((20000 + 60000 * sin(number) ^ 2) * case when number % 60 >= 45 then 100 else 1 end
        )::numeric(12, 2) as income_eur,
        300 + number * 7919 % 550 as credit_score,
        (array['web', 'branch', 'partner'])[1 + number * 31 % 3] as channel,
        1 + number * 17 % 9 as branch_code,
        sin(number) ^ 2 as probability,
        number % 3 = 0 as has_defaulted_outcome,
        md5(number::text) || number as free_text,
        null::text as empty_note
    from generate_series(1, 3600) as number
"""


@pytest.fixture
def loans(warehouse: sa.Engine) -> sa.Engine:
    with warehouse.begin() as session:
        session.exec_driver_sql(LOANS.replace("%", "%%"))
    return warehouse


@pytest.fixture
def directory(
    tmp_path: Path, loans: sa.Engine, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty directory, and the environment of a team with a Postgres of its own."""
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    monkeypatch.delenv("DRIFTMETER_HOME", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(settings.PROJECT_ROOT))
    made = tmp_path / "team"
    made.mkdir()
    return made


def init(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return command(directory, "init", "--table", "public.loan_scores", *options)


def command(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_program(DRIFTMETER, *arguments, directory=directory)


def test_fields_are_proposed_from_names_types_and_data(loans: sa.Engine) -> None:
    proposal = propose(loans, "public.loan_scores", {})
    fields = dict(proposal.fields)
    assert fields.pop("features") == {
        "income_eur": {"kind": "numerical"},
        "credit_score": {"kind": "numerical"},
        "channel": {"kind": "categorical"},
        "branch_code": {"kind": "categorical"},
    }
    assert fields == {
        "timestamp": "scored_at",
        "timezone": "UTC",
        "prediction": "probability",
        "target": "has_defaulted_outcome",
        "id": "loan_id",
        "task": "classification",
        "segments": ["channel"],
        "reference": {"from": "2026-01-01", "to": "2026-01-30"},
        "alarm_budget": {"false_alarms_per_month": 1},
    }
    assert set(proposal.reasons) == set(proposal.fields)
    assert set(proposal.left_out) == {"free_text", "empty_note"}


@pytest.mark.parametrize(
    ("days", "last", "goes_on", "reason"),
    [
        (40, "2026-01-28", {}, "the first 28 of 40 days with rows"),
        (
            10,
            "2026-01-09",
            {"first": 30},
            "all but the last of 10 days with rows, and calm days that come until there are 30:"
            " thresholds are wide with fewer than 28, until 2026-01-29 at the soonest",
        ),
        (400, "2026-03-31", {}, "the first 90 of 400 days with rows"),
    ],
)
def test_reference_days_are_enough_for_alarms_or_it_says_so(
    warehouse: sa.Engine, days: int, last: str, goes_on: dict[str, int], reason: str
) -> None:
    with warehouse.begin() as session:
        rows = "select n as id, date '2026-01-01' + n as day, n::real as score, n % 7.0 as size"
        span = f"from generate_series(0, {days - 1}) as n"
        session.exec_driver_sql(f"create table few as {rows} {span}".replace("%", "%%"))
    proposal = propose(warehouse, "few", {})
    assert proposal.fields["reference"] == {"from": "2026-01-01", "to": last, **goes_on}
    assert proposal.reasons["reference"].startswith(reason)


def test_whole_numbers_as_large_as_identifiers_are_no_features(warehouse: sa.Engine) -> None:
    columns = (
        "n as id, timestamptz '2026-01-01' + n * interval '1 hour' as scored_at,"
        " sin(n) ^ 2 as risk, (2::numeric ^ 60)::bigint + n / 2 as serial_number, n % 7.0 as size,"
        " hashtextextended(n::text, 0) as bucket, n * 1000 as balance"
    )
    with warehouse.begin() as session:
        span = "from generate_series(0, 959) as n"
        session.execute(sa.text(f"create table numbered as select {columns} {span}"))
    proposal = propose(warehouse, "numbered", {"prediction": "risk"})
    assert list(proposal.fields["features"]) == ["size", "balance"]
    assert proposal.left_out.keys() == {"serial_number", "bucket"}
    assert all("2^53" in why for why in proposal.left_out.values())


def test_what_is_given_overrules_what_is_proposed(loans: sa.Engine) -> None:
    given = {
        "target": "credit_score",
        "task": "regression",
        "prediction": "income_eur",
        "segments": ["branch_code"],
        "reference": {"from": "2026-01-05", "to": "2026-01-20"},
    }
    fields = propose(loans, "loan_scores", given).fields
    assert {name: fields[name] for name in given} == given
    assert "credit_score" not in fields["features"]


@pytest.mark.parametrize(
    ("table", "given", "message"),
    [
        ("public.nosuch", {}, "there is no table public.nosuch"),
        ("public.loan_scores", {"id": "loan"}, "--id: public.loan_scores has no column 'loan'"),
        ("public.loan_scores", {"id": "channel"}, "'channel' has the same value in several rows"),
    ],
)
def test_what_cannot_be_is_one_line(
    loans: sa.Engine, table: str, given: dict[str, str], message: str
) -> None:
    with pytest.raises(DriftmeterError) as refused:
        propose(loans, table, given)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_table_that_is_empty_or_has_no_prediction_is_refused(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.execute(sa.text("create table nothing (id int, scored_at date, prediction real)"))
        session.execute(sa.text("create table other (id int, scored_at date, size real)"))
        session.execute(sa.text("insert into other values (1, now(), 2)"))
    with pytest.raises(DriftmeterError, match=r"public\.nothing is empty"):
        propose(warehouse, "nothing", {})
    with pytest.raises(DriftmeterError, match=r"--prediction: no column of public\.other"):
        propose(warehouse, "other", {})


def test_nothing_is_written_unasked_and_the_second_time_changes_nothing(directory: Path) -> None:
    refused = init(directory)
    assert refused.returncode == 1
    assert "add --yes to write this" in refused.stderr
    assert "models/loan_scores.yml" in refused.stdout
    assert not (directory / "dbt_project.yml").exists()

    written = init(directory, "--yes", "--timezone", "Europe/Berlin")
    assert written.returncode == 0, written.stderr
    assert "driftmeter run --monitor loan_scores" in written.stdout
    sql = (directory / "models" / "loan_scores.sql").read_text()
    zone = "{{ driftmeter.timezone() }}"
    assert f"(\"scored_at\" at time zone '{zone}')::date as partition_date" in sql
    again = init(directory, "--yes", "--timezone", "Europe/Berlin")
    assert "nothing to change" in again.stdout

    # A second monitor joins the first.
    assert init(directory, "--yes", "--name", "second").returncode == 0
    project = yaml.safe_load((directory / "dbt_project.yml").read_text())
    assert project["vars"]["monitors"] == ["loan_scores", "second"]
    parsed = command(directory, "status")
    assert parsed.returncode == 0, parsed.stderr
    run_program(KEPT_DBT, "compile", directory=directory).check_returncode()
    declared = load_monitors(directory / "target" / "manifest.json")
    assert set(declared) == {"loan_scores", "second"}
    # The zone of the view is the one that the YAML says.
    for name, said in (("loan_scores", "Europe/Berlin"), ("second", "UTC")):
        (compiled,) = directory.glob(f"target/compiled/*/models/{name}.sql")
        assert f"at time zone '{said}')::date" in compiled.read_text()
    assert isinstance(declared["second"], Monitor)


def test_the_second_time_keeps_what_was_edited_by_hand(directory: Path, loans: sa.Engine) -> None:
    assert init(directory, "--yes").returncode == 0
    file = directory / "models" / "loan_scores.yml"
    edits = {
        "timezone: UTC": "timezone: Europe/Berlin  # as the bank",
        "false_alarms_per_month: 1": "false_alarms_per_month: 3",
        "credit_score:\n": "credit_score:\n            unit: points\n",
        "owner: unowned": "owner: team-risk\n        watch_days: 20",
    }
    edited = file.read_text()
    for old, new in edits.items():
        assert edited.count(old) == 1
        edited = edited.replace(old, new)
    file.write_text(edited)
    again = init(directory, "--yes")
    assert "loan_scores is already declared: nothing to change" in again.stdout
    assert file.read_text() == edited

    # An option changes its field, and no other.
    assert init(directory, "--yes", "--label-delay-days", "3").returncode == 0
    changed = file.read_text()
    assert changed.replace("        label_delay_days: 3\n", "") == edited

    # A table of the same name is another one.
    with loans.begin() as session:
        session.exec_driver_sql("create schema other")
        session.exec_driver_sql("create table other.loan_scores as table public.loan_scores")
    refused = command(directory, "init", "--table", "other.loan_scores", "--yes")
    assert "the monitor loan_scores is of another table" in refused.stderr
    assert file.read_text() == changed


def test_protected_columns_are_asked_about_in_one_line_and_never_guessed(
    directory: Path, loans: sa.Engine
) -> None:
    with loans.begin() as session:
        session.exec_driver_sql(
            "alter table public.loan_scores add gender text, add age_group text, add sex_ratio real"
        )
        session.exec_driver_sql(
            "update public.loan_scores set gender = (array['F', 'M'])[1 + branch_code %% 2],"
            " age_group = (array['18-29', '30-59', '60+'])[1 + credit_score %% 3],"
            " sex_ratio = credit_score"
        )
    first = init(directory, "--yes")
    assert first.returncode == 0, first.stderr
    question = (
        "Must the groups of gender, age_group be treated alike? Then add --protected"
        " gender,age_group, and their rates are compared every day"
    )
    assert question in first.stdout.splitlines()
    file = directory / "models" / "loan_scores.yml"
    block = yaml.safe_load(file.read_text())["models"][0]["config"]["meta"]["monitor"]
    assert "protected" not in block
    second = init(directory, "--protected", "gender", "--yes")
    assert second.returncode == 0, second.stderr
    assert "Must the groups of age_group be treated alike?" in second.stdout
    block = yaml.safe_load(file.read_text())["models"][0]["config"]["meta"]["monitor"]
    assert block["protected"] == ["gender"]
    wrong = init(directory, "--protected", "gnder", "--yes")
    assert wrong.stderr.startswith("error: --protected: public.loan_scores has no column 'gnder'")


def test_somebody_elses_project_is_left_alone(directory: Path) -> None:
    project = directory / "dbt_project.yml"
    project.write_text("name: bank\n")
    refused = init(directory, "--yes")
    assert refused.returncode == 1
    assert "is a dbt project already" in refused.stderr
    assert project.read_text() == "name: bank\n"
    assert [path.name for path in directory.iterdir()] == ["dbt_project.yml"]


@pytest.fixture
def bank(
    directory: Path, loans: sa.Engine, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A team's own dbt project with two models and comments; its own profile names the warehouse.

    The profile reads a part from the environment, as the profiles of most teams do.
    """
    monkeypatch.delenv("DRIFTMETER_DATABASE_URL")
    (directory / "dbt_project.yml").write_text(
        "name: bank\nversion: 1.0.0\nprofile: bank  # the team's\n"
        "models:\n  bank: {+schema: risk}\n"
    )
    url = sa.make_url(warehouse_url)
    monkeypatch.setenv("BANK_HOST", str(url.host))
    profile = {
        "type": "postgres",
        "schema": "public",
        "threads": 1,
        "host": "{{ env_var('BANK_HOST') }}",
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    (directory / "profiles.yml").write_text(
        yaml.safe_dump({"bank": {"target": "team", "outputs": {"team": profile}}})
    )
    models = directory / "models"
    models.mkdir()
    (models / "loans.sql").write_text("select * from public.loan_scores")
    (models / "versioned.sql").write_text(
        "select *, 'v1' as model_version, scored_at::date as partition_date,"
        # Of a type that a view would cast; a category is read as text all the same.
        " channel::name as region from public.loan_scores"
    )
    (models / "outcomes.sql").write_text(
        "select loan_id as ref, has_defaulted_outcome as defaulted from public.loan_scores"
    )
    (models / "risk.yml").write_text(
        "# Reviewed in January.\nmodels:\n  - name: versioned\n    columns:\n"
        "      - name: loan_id  # never reused\n        data_type: text\n"
    )
    by_dbt = {**os.environ, "DBT_PROFILES_DIR": "."}
    run_program(DBT, "run", directory=directory, environment=by_dbt).check_returncode()
    return directory


def test_every_command_uses_the_warehouse_that_the_projects_profile_names(
    bank: Path, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(bank, "url").stdout.strip() == warehouse_url
    started = command(bank, "up")
    assert started.returncode == 0, started.stderr
    assert sa.make_url(warehouse_url).database in started.stdout
    assert command(bank, "status").returncode == 0
    assert "so it is not stopped" in command(bank, "down").stdout
    assert not (bank / ".driftmeter" / "postgres").exists()

    # What dbt cannot read is one line, by whichever command.
    monkeypatch.delenv("BANK_HOST")
    for refused in (command(bank, "status"), command(bank, "init", "--model", "loans", "--yes")):
        assert refused.returncode == 1
        assert "dbt cannot use the project's profile" in refused.stderr
        assert "BANK_HOST" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def test_models_of_a_teams_project_become_monitors_and_are_measured(
    bank: Path, loans: sa.Engine
) -> None:
    declared = command(bank, "init", "--model", "versioned", "--yes")
    assert declared.returncode == 0, declared.stderr
    text = (bank / "models" / "risk.yml").read_text()
    assert "# Reviewed in January." in text
    assert "region:" in text
    assert "# never reused" in text
    assert "profile: bank  # the team's" in (bank / "dbt_project.yml").read_text()
    assert not (bank / "models" / "versioned.yml").exists()

    # A model without a day or a version is seen through a view.
    viewed = command(bank, "init", "--model", "loans", "--yes", "--timezone", "Europe/Berlin")
    assert viewed.returncode == 0, viewed.stderr
    assert "ref('loans')" in (bank / "models" / "loans_monitored.sql").read_text()
    assert "nothing to change" in command(bank, "init", "--model", "versioned", "--yes").stdout

    # So is one whose labels are in another model, or in a table that is no model.
    joined = ("init", "--model", "versioned", "--id", "loan_id", "--labels-id", "ref", "--labels")
    shown = command(bank, *joined, "public_risk.outcomes", "--name", "of_a_table")
    assert "source('of_a_table_labels', 'labels')" in shown.stdout
    declared = command(bank, *joined, "outcomes", "--name", "labelled", "--yes")
    assert declared.returncode == 0, declared.stderr
    assert "ref('outcomes')" in (bank / "models" / "labelled.sql").read_text()
    zone = ("--name", "labelled", "--timezone", "Europe/Berlin", "--yes")
    refused = command(bank, "init", "--model", "versioned", *zone)
    assert "the view of labelled has defaulted, which these options leave out" in refused.stderr
    assert "such as --labels" in refused.stderr

    ran = command(bank, "run", "--from", "2026-02-14", "--to", "2026-02-15", "--workers", "1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with loans.connect() as session:
        states = session.execute(
            sa.text(
                "select monitor, count(*) from metrics.partitions where state = 'fresh' group by 1"
            )
        )
        assert dict(states.tuples().all()).keys() == {
            "versioned", "loans_monitored", "labelled",
        }  # fmt: skip


@over(
    ("options", "message"),
    [
        ([], "needs one table or one model"),
        (["--model", "nosuch"], "there is no model 'nosuch'"),
        (["--table", "public.loan_scores", "--model", "loans"], "needs one table or one model"),
        (["--model", "loans", "--labels-id", "loan_id"], "add --labels SCHEMA.TABLE"),
        (["--model", "loans", "--labels", "nosuch"], "there is no table public.nosuch"),
    ],
)
def test_a_model_that_is_not_there_is_one_line(
    bank: Path,
    warehouse_url: str,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    # With it no command has to ask dbt for the profile.
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    refused = command(bank, "init", *options, "--yes")
    assert refused.returncode == 1
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_dagster_has_partitions_from_the_reference_on_and_needs_no_run_config(
    directory: Path,
) -> None:
    assert init(directory, "--yes").returncode == 0
    script = (
        "import dagster as dg; from dagster_driftmeter.definitions import defs;"
        "jobs = {job.name: job for job in defs.resolve_all_job_defs()};"
        "dg.validate_run_config(jobs['__ASSET_JOB'], {});"
        "print(jobs['daily_chain'].partitions_def.get_first_partition_key())"
    )
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=directory,
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert loaded.stdout.split() == ["2026-01-01"], loaded.stderr


def test_columns_of_attributions_are_found_and_are_no_features(loans: sa.Engine) -> None:
    with loans.begin() as session:
        for name in ("income_eur", "credit_score", "channel", "free_text"):
            session.exec_driver_sql(
                f"alter table public.loan_scores add shap_{name} float;"
                f"update public.loan_scores set shap_{name} = sin(credit_score)"
            )
        session.exec_driver_sql("alter table public.loan_scores add shap_base float default 1.5")
    proposal = propose(loans, "public.loan_scores", {"target": "has_defaulted_outcome"})
    # The text is no feature; the last is called as attributions are, but of no column.
    features = {"income_eur", "credit_score", "channel", "branch_code", "shap_base"}
    assert {*proposal.fields["features"]} == features
    assert proposal.fields["attributions"] == {
        "prefix": "shap_",
        "features": ["income_eur", "credit_score", "channel"],
    }
    assert "no feature" in proposal.left_out["shap_free_text"]
    assert "shap_channel" in [column.name for column in proposal.selected]


TEXTS = """
    create table public.stays as
    select
        'S' || number as stay,
        timestamptz '2026-01-01 08:00+00' + number % 60 * interval '1 day' as left_at,
        'the room ' || number || ' was ' || number * 7 || ' times as nice as ours' as review,
        'please clean the room' as wish,
        md5(number::text) as token,
        array[number, number % 7, 1]::numeric[] as embedding,
        array_fill(number, array[1 + number % 3])::real[] as ratings,
        number % 9 as nights,
        sqrt(number) as predicted_score
    from generate_series(1, 1200) as number
"""


def test_texts_of_several_words_and_arrays_of_one_size_are_proposed_and_why(
    warehouse: sa.Engine,
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(TEXTS.replace("%", "%%"))
    proposal = propose(warehouse, "public.stays", {})
    features = {name: about["kind"] for name, about in proposal.fields["features"].items()}
    assert features == {
        "review": "text",
        "wish": "categorical",
        "embedding": "vector",
        "nights": "numerical",
    }
    assert proposal.reasons["features"] == (
        "every other column that is a number or a category; 'review' holds texts of several words"
        " that hardly repeat; 'embedding' holds arrays of as many numbers in each row"
    )
    assert proposal.columns["embedding"].sql == '"embedding"::double precision[]'
    assert proposal.left_out["ratings"] == (
        "its arrays have different numbers of elements, or only one"
    )
    assert "no texts of several words" in proposal.left_out["token"]
