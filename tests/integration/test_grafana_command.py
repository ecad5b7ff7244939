"""`driftmeter grafana` and `report`, with a program in Grafana's place that says how it was called.

There is no Grafana server on the machines that build this; what it would get is checked here, and
tests/e2e/test_grafana.py asks a real one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

PROGRAM = """#!{python}
import json, os, sys
json.dump({{"arguments": sys.argv[1:], "environment": dict(os.environ)}}, open({told!r}, "w"))
"""


@pytest.fixture
def grafana(tmp_path: Path) -> Path:
    """A directory laid out as an unpacked Grafana."""
    home = tmp_path / "grafana-13"
    (home / "bin").mkdir(parents=True)
    (home / "conf").mkdir()
    (home / "conf" / "defaults.ini").touch()
    program = home / "bin" / "grafana"
    program.write_text(PROGRAM.format(python=sys.executable, told=str(tmp_path / "told.json")))
    program.chmod(0o755)
    return program


def driftmeter(
    home: Path, url: str, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from dagster_driftmeter.cli.main import main; main()", *arguments],
        env={**os.environ, "DRIFTMETER_HOME": str(home), "DRIFTMETER_DATABASE_URL": url, **more},
        capture_output=True,
        text=True,
    )


def test_grafana_gets_a_reader_that_can_log_in_and_files_that_are_there(
    tmp_path: Path, warehouse_url: str, grafana: Path
) -> None:
    home = tmp_path / "home"
    shown = driftmeter(home, warehouse_url, "grafana", "--binary", str(grafana), "--port", "3999")
    assert shown.returncode == 0, shown.stderr
    told = json.loads((tmp_path / "told.json").read_text())
    environment = told["environment"]
    assert told["arguments"] == ["server", f"--homepath={grafana.parent.parent}"]
    assert environment["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert environment["GF_SERVER_HTTP_PORT"] == "3999"
    assert f"password {environment['GF_SECURITY_ADMIN_PASSWORD']}" in shown.stdout
    host, port = environment["DRIFTMETER_DB_ADDRESS"].split(":")
    with psycopg.connect(
        host=host,
        port=port,
        dbname=environment["DRIFTMETER_DB_NAME"],
        user="driftmeter_reader",
        password=environment["DRIFTMETER_READER_PASSWORD"],
        sslmode=environment["DRIFTMETER_DB_SSLMODE"],
    ) as session:
        assert session.execute("select count(*) from metrics.monitors").fetchone() == (0,)
    for name in ("GF_PATHS_PROVISIONING", "DRIFTMETER_DASHBOARDS_PATH"):
        assert any(Path(environment[name]).iterdir())
    # Another start has the same admin password: Grafana keeps the first one it was given.
    again = driftmeter(home, warehouse_url, "grafana", "--binary", str(grafana))
    assert again.stdout.splitlines()[0].endswith(environment["GF_SECURITY_ADMIN_PASSWORD"])


def test_the_reader_gets_the_password_that_the_environment_names(
    tmp_path: Path, warehouse_url: str
) -> None:
    secret = "f0e1d2"
    done = driftmeter(tmp_path, warehouse_url, "up", DRIFTMETER_READER_PASSWORD=secret)
    assert done.returncode == 0, done.stderr
    reader = warehouse_url.replace("//driftmeter:", "//driftmeter_reader:")
    user, _, address = reader.removeprefix("postgresql://").partition("@")
    with psycopg.connect(f"postgresql://{user.split(':')[0]}:{secret}@{address}") as session:
        assert session.execute("select current_user").fetchone() == ("driftmeter_reader",)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grafana", "--binary", "/nowhere/grafana"], "the program grafana was not found"),
        (["grafana", "--binary", "/bin/true"], "conf/defaults.ini"),
        (["report"], "the options must name one page to draw"),
        (
            ["report", "--overview", "--dashboard", "drift"],
            "the options must name one page to draw",
        ),
        (["report", "--dashboard", "drfit"], "there is no dashboard 'drfit'"),
        (["report", "--overview", "--from", "2019-04-01"], "only one end"),
        (["report", "--overview"], "no monitor has run yet"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_what_to_do(
    tmp_path: Path, warehouse_url: str, arguments: list[str], said: str
) -> None:
    result = driftmeter(tmp_path, warehouse_url, *arguments)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
