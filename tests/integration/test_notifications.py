"""One message an incident, tried again, and never twice: against a real service on this machine."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from driftmeter.incidents.messages import FIRST_WAIT, MOST_ATTEMPTS, deliver


class Service:
    """A webhook that refuses its first messages."""

    def __init__(self, refuses: int = 0) -> None:
        self.got: list[dict[str, Any]] = []
        self.refuses = refuses
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if service.refuses > 0:
                    service.refuses -= 1
                    self.send_error(500)
                    return
                service.got.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.server.shutdown()
    running.server.server_close()


def tell(
    warehouse: sa.Engine,
    incident: int,
    event: str,
    age: str = "0",
    on_date: str = "2019-04-03",
    kind: str = "missing_values",
    monitor: str = "m",
) -> None:
    with warehouse.begin() as session:
        session.execute(
            sa.text(
                "insert into metrics.incident_events (incident_id, monitor, event, on_date, kind,"
                " diagnosis, report_url, author, at) values (:incident, :monitor, :event, :on_date,"
                " :kind, 'passenger_count is missing in 35% of rows.',"
                " 'http://reports/x.html', 'driftmeter', now() - cast(:age as interval))"
            ),
            {
                "incident": incident,
                "monitor": monitor,
                "event": event,
                "age": age,
                "on_date": on_date,
                "kind": kind,
            },
        )


def states(warehouse: sa.Engine) -> list[str]:
    with warehouse.connect() as session:
        query = sa.text("select state from metrics.notifications order by event_id")
        return list(session.scalars(query))


def later(seconds: float) -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=seconds)


def test_an_incident_is_one_message_with_its_diagnosis_and_report(
    warehouse: sa.Engine, service: Service
) -> None:
    tell(warehouse, 1, "opened")
    tell(warehouse, 1, "acknowledged")
    tell(warehouse, 2, "opened")
    tell(warehouse, 2, "closed")
    deliver(warehouse, [service.url])
    assert [message["title"] for message in service.got] == [
        "[opened] m: missing_values",
        "[closed] m: missing_values",
    ]
    assert "missing in 35% of rows" in service.got[0]["message"]
    assert "http://reports/x.html" in service.got[0]["message"]
    # Acknowledging is no news, and both events of the second are settled by its one message.
    assert states(warehouse) == ["sent", "sent", "sent"]


def test_nothing_is_sent_twice(warehouse: sa.Engine, service: Service) -> None:
    tell(warehouse, 1, "opened")
    deliver(warehouse, [service.url])
    assert deliver(warehouse, [service.url]) == []
    tell(warehouse, 1, "reopened")
    deliver(warehouse, [service.url])
    assert [message["title"][:10] for message in service.got] == ["[opened] m", "[reopened]"]


def test_a_service_that_fails_is_tried_again_after_a_while(
    warehouse: sa.Engine, service: Service
) -> None:
    service.refuses = 2
    tell(warehouse, 1, "opened")
    assert deliver(warehouse, [service.url])[0].state == "retrying"
    # Not at once; after the first wait, and then after one that is twice as long.
    assert deliver(warehouse, [service.url]) == []
    wait = FIRST_WAIT.total_seconds()
    assert deliver(warehouse, [service.url], later(wait + 1))[0].state == "retrying"
    assert deliver(warehouse, [service.url], later(2 * wait)) == []
    assert deliver(warehouse, [service.url], later(3 * wait + 2))[0].state == "sent"
    assert len(service.got) == 1


def test_it_is_given_up_at_last_and_says_why(warehouse: sa.Engine, service: Service) -> None:
    service.refuses = 100
    tell(warehouse, 1, "opened")
    done = [
        deliver(warehouse, [service.url], later(hour * 3600)) for hour in range(MOST_ATTEMPTS + 2)
    ]
    assert [each[0].state for each in done if each] == ["retrying"] * (MOST_ATTEMPTS - 1) + [
        "failed"
    ]
    with warehouse.connect() as session:
        reason = session.scalar(sa.text("select reason from metrics.notifications"))
    assert "refused" in reason
    # The address is a secret.
    assert "127.0.0.1" not in reason


def test_old_news_is_none(warehouse: sa.Engine, service: Service) -> None:
    tell(warehouse, 1, "opened", age="3 days")
    assert deliver(warehouse, [service.url]) == []


def test_a_history_that_is_filled_tells_of_its_last_week_only(
    warehouse: sa.Engine, service: Service
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "select metrics.make_months('metrics.performance', '{2019-06-01}');"
            "insert into metrics.partitions (monitor, partition_date, state, row_count,"
            " config_hash, duration_seconds) values ('m', '2019-06-30', 'fresh', 1, 'x', 1);"
            "insert into metrics.performance (monitor, partition_date, metric, kind, value, state)"
            " values ('m', '2019-06-16', 'mae', 'realised', 1, 'final')"
        )
    for incident, (day, kind) in enumerate(
        [
            ("2019-05-01", "mix_shift"),
            ("2019-06-22", "mix_shift"),
            ("2019-06-23", "mix_shift"),
            # Labels come two weeks later: the error of the sixteenth is news.
            ("2019-06-16", "concept_drift"),
            ("2019-06-08", "concept_drift"),
        ]
    ):
        tell(warehouse, incident, "opened", on_date=day, kind=kind)
    deliver(warehouse, [service.url])
    assert [message["message"].split("incident ")[1][0] for message in service.got] == ["2", "3"]
    # Nobody is told of an end whose beginning was not told.
    for incident, event in ((0, "closed"), (1, "withdrawn"), (2, "closed"), (3, "withdrawn")):
        tell(warehouse, incident, event, on_date="2019-06-30", kind="concept_drift")
    deliver(warehouse, [service.url])
    assert [message["title"] for message in service.got[2:]] == [
        "[closed] m: concept_drift",
        "[withdrawn] m: concept_drift",
    ]


def test_the_sensor_sends_nothing_itself_but_starts_a_run_that_does(
    warehouse: sa.Engine, warehouse_url: str, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_driftmeter.automation.incident_notifications import (
        incident_messages,
        incident_notifications,
    )
    from dagster_driftmeter.runs.resources import Warehouse

    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    resources = {"warehouse": Warehouse()}
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance, resources=resources)

        def tick() -> dg.RunRequest | dg.SkipReason:
            return incident_notifications(context)

        monkeypatch.delenv("DRIFTMETER_NOTIFY_URLS", raising=False)
        assert "DRIFTMETER_NOTIFY_URLS" in str(tick().skip_message)
        monkeypatch.setenv("DRIFTMETER_NOTIFY_URLS", service.url)
        assert tick().skip_message == "no message is due"
        tell(warehouse, 1, "opened")
        assert isinstance(tick(), dg.RunRequest)
        assert service.got == []
        # One that is on is enough.
        starting = dg.DagsterRunStatus.STARTING
        sending = instance.create_run_for_job(incident_messages, status=starting)
        assert tick().skip_message == "a run is sending messages already"
        instance.delete_run(sending.run_id)
        incident_messages.execute_in_process(resources=resources, instance=instance)
        assert [message["title"] for message in service.got] == ["[opened] m: missing_values"]
        assert tick().skip_message == "no message is due"

        # A service that is gone fails no run: it is tried again later.
        monkeypatch.setenv("DRIFTMETER_NOTIFY_URLS", "json://127.0.0.1:9/")
        tell(warehouse, 2, "opened")
        assert incident_messages.execute_in_process(resources=resources, instance=instance).success
        assert states(warehouse) == ["sent", "retrying"]


def declare(
    warehouse: sa.Engine, name: str, page: str = "{performance}", every: str = "day"
) -> None:
    with warehouse.begin() as session:
        session.execute(
            sa.text(
                "insert into metrics.monitors (monitor, owner, task, timezone, reference_from,"
                " reference_to, false_alarms_per_month, config_hash, project, page, digest) values"
                " (:name, 'fleet team', 'regression', 'UTC', '2019-02-01', '2019-03-31', 1, 'c',"
                " 'taxi', :page, :every)"
            ),
            {"name": name, "page": page, "every": every},
        )


def incident(
    warehouse: sa.Engine,
    number: int,
    monitor: str,
    opened_on: str,
    kind: str = "missing_values",
    severity: str = "error",
) -> None:
    with warehouse.begin() as session:
        session.execute(
            sa.text(
                "insert into metrics.incidents (incident_id, monitor, kind, severity, opened_on,"
                " last_seen_on, diagnosis, family, cause, column_name, columns, days, evidence)"
                " overriding system value values (:number, :monitor, :kind, :severity, :opened_on,"
                " :opened_on, 'passenger_count is missing in 35% of rows.', 'missing', :cause,"
                " 'passenger_count', '{passenger_count}', 1, '{\"rows_concerned\": 1280}')"
            ),
            {
                "number": number,
                "monitor": monitor,
                "opened_on": opened_on,
                "kind": kind,
                "severity": severity,
                "cause": f"{number}",
            },
        )


def test_a_message_says_how_grave_it_is_whose_since_when_and_what_to_run(
    warehouse: sa.Engine, service: Service
) -> None:
    declare(warehouse, "m", page="{values}")
    incident(warehouse, 1, "m", "2019-03-01")
    incident(warehouse, 2, "m", "2019-04-01")
    tell(warehouse, 2, "reopened")
    deliver(warehouse, [service.url])
    (message,) = service.got
    assert message["message"].split("\n") == [
        "passenger_count is missing in 35% of rows.",
        "severity error, owner fleet team, about 1,280 rows of a day, since 2019-04-01,"
        " such an incident opened before, last on 2019-03-01",
        "reopened on 2019-04-03, incident 2",
        "http://reports/x.html",
        "next: driftmeter incidents ack 2",
    ]


def test_what_a_team_is_not_paged_for_comes_in_one_message_a_day(
    warehouse: sa.Engine, service: Service
) -> None:
    declare(warehouse, "m")
    tell(warehouse, 1, "opened", age="2 hours")
    tell(warehouse, 2, "opened", age="1 hour")
    tell(warehouse, 3, "opened", kind="concept_drift")
    deliver(warehouse, [service.url])
    assert [message["title"] for message in service.got] == ["[opened] m: concept_drift"]
    deliver(warehouse, [service.url], later(23 * 3600))
    assert [message["title"] for message in service.got[1:]] == ["[digest] m: 2 incidents"]
    assert service.got[1]["message"].count("passenger_count is missing in 35% of rows.") == 2
    assert states(warehouse) == ["sent", "sent", "sent"]
    assert deliver(warehouse, [service.url], later(30 * 3600)) == []


def test_a_team_that_wants_no_digest_gets_none(warehouse: sa.Engine, service: Service) -> None:
    declare(warehouse, "m", every="never")
    tell(warehouse, 1, "opened", age="2 hours")
    for hour in (0, 12, 23, 30, 200):
        assert deliver(warehouse, [service.url], later(hour * 3600)) == []


def test_values_that_were_away_for_one_day_are_told_with_the_next_message(
    warehouse: sa.Engine, service: Service
) -> None:
    for number in (1, 2):
        incident(warehouse, number, "m", "2019-04-03", severity="warn")
        tell(warehouse, number, "opened")
    tell(warehouse, 2, "closed", on_date="2019-04-10")
    assert deliver(warehouse, [service.url]) == []
    # On a second day it is no accident.
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "update metrics.incidents set last_seen_on = '2019-04-05' where incident_id = 1"
        )
    deliver(warehouse, [service.url], later(2 * 24 * 3600))
    (message,) = service.got
    assert message["title"] == "[opened] m: missing_values"
    assert message["message"].split("\n")[-2:] == [
        "since the last message:",
        "closed on 2019-04-10, incident 2: passenger_count is missing in 35% of rows.",
    ]
    assert states(warehouse) == ["sent"] * 3


def test_a_column_that_people_look_at_already_is_told_with_the_next_message(
    warehouse: sa.Engine, service: Service
) -> None:
    for number, opened_on in enumerate(("2019-04-01", "2019-04-02"), start=1):
        incident(warehouse, number, "m", opened_on, severity="warn")
        tell(warehouse, number, "opened", on_date=opened_on)
    with warehouse.begin() as session:
        session.exec_driver_sql("update metrics.incidents set last_seen_on = '2019-04-05'")
    deliver(warehouse, [service.url])
    (message,) = service.got
    assert "opened on 2019-04-01, incident 1" in message["message"]
    assert message["message"].split("\n")[-2:] == [
        "since the last message:",
        "opened on 2019-04-02, incident 2: passenger_count is missing in 35% of rows.",
    ]


def test_the_end_of_a_loss_is_a_message_if_the_loss_was_long(
    warehouse: sa.Engine, service: Service
) -> None:
    for number, last_seen_on in enumerate(("2019-04-03", "2019-04-20"), start=1):
        incident(warehouse, number, "m", "2019-04-03", kind="concept_drift")
        tell(warehouse, number, "opened", kind="concept_drift")
        with warehouse.begin() as session:
            session.exec_driver_sql(
                f"update metrics.incidents set last_seen_on = '{last_seen_on}'"
                f" where incident_id = {number}"
            )
    deliver(warehouse, [service.url])
    for number in (1, 2):
        tell(warehouse, number, "closed", on_date="2019-04-27", kind="concept_drift")
    deliver(warehouse, [service.url])
    assert [message["title"] for message in service.got[2:]] == ["[closed] m: concept_drift"]
    assert "closed on 2019-04-27, incident 1:" in service.got[2]["message"]


def test_one_change_in_two_monitors_of_a_project_is_one_message(
    warehouse: sa.Engine, service: Service
) -> None:
    for number, name in enumerate(("m", "n"), start=1):
        declare(warehouse, name, page="{values}")
        incident(warehouse, number, name, "2019-04-03")
        tell(warehouse, number, "opened", monitor=name)
    deliver(warehouse, [service.url])
    (message,) = service.got
    assert message["title"] == "[opened] m, n: missing_values"
    assert "the same in n, incident 2" in message["message"]
    assert states(warehouse) == ["sent", "sent"]
