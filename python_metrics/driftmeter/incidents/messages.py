"""Messages about incidents, through Apprise to whatever services their URLs name."""

import datetime as dt
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import apprise
import sqlalchemy as sa

from driftmeter.incidents.breach import FAMILIES, PAGED
from driftmeter.incidents.next_step import NEXT_STEP
from driftmeter.monitors.cadence import Cadence, Every
from driftmeter.warehouse.turn import alone

# A message that a service refused so often is given up, with its reason.
MOST_ATTEMPTS = 5
# The first wait before another attempt; each later one is twice as long.
FIRST_WAIT = dt.timedelta(seconds=30)
# What was noted longer ago is no news.
MOST_AGE = dt.timedelta(days=1)
# What asks for no message of its own goes with the monitor's next one, if that comes so soon.
MOST_WAIT = dt.timedelta(days=31)
# Nor is what happened so many batches before the newest that was measured, or whose labels came
# where it is about the error: a warehouse that is filled with history must not flood a channel.
MOST_DAYS_BACK = 7
OPENING = ("opened", "reopened")
# People are told only of what they were told had opened; acknowledging is what they did themselves.
BY_HAND = ("closed_by_hand", "accepted")
CLOSING = ("closed", "withdrawn", *BY_HAND)
NEWS = (*OPENING, *CLOSING)
WORDS = {"closed_by_hand": "closed"}
# Kinds of incident that a team may be paged for; all others are of values.
PAGED_KINDS = {
    group: [kind for kind, family in FAMILIES.items() if family in families]
    for group, families in PAGED.items()
}


@dataclass(frozen=True)
class Message:
    """What is to be said of one incident: its newest event, for all that wait.

    Attributes
    ----------
    events : tuple of int
        Events that this message settles.
    attempts : int
        How often it was tried before.
    """

    events: tuple[int, ...]
    incident: int
    attempts: int
    title: str
    body: str
    kind: str


@dataclass(frozen=True)
class Delivery:
    """What became of one message: sent, retrying or failed."""

    message: Message
    state: str
    reason: str | None = None


def _lasts(every: Every) -> int:
    """Days over which an incident is seen that lasts as long as it takes to be over, at least."""
    cadence = Cadence(every)
    # February, because no month is shorter.
    start = cadence.start(dt.date(2026, 2, 1))
    return (cadence.after(start, cadence.quiet) - start).days


LONG = " ".join(f"when '{every}' then {_lasts(every)}" for every in get_args(Every))
# A message of its own is for what hurts, and for values that were away on more than one day. Of a
# single day, of a column that people look at already, and of the end of what was short or harmless,
# people read with the next message.
AT_ONCE = f"""case
    when events.event = 'closed'
        then families.of <> 'values'
        and case coalesce(monitors.every, 'day') when 'hour'
            then incidents.last_seen_start - incidents.opened_start >= interval '1 day'
            else incidents.last_seen_on - incidents.opened_on
                >= case coalesce(monitors.every, 'day') {LONG} end end
    when events.event = any(:opening)
        then families.of <> 'values' or incidents.severity = 'error'
        or incidents.last_seen_start > incidents.opened_start and not exists (
            select from metrics.incidents as earlier
            where earlier.monitor = incidents.monitor
            and earlier.column_name = incidents.column_name
            and earlier.opened_start < incidents.opened_start
            and earlier.last_seen_start > earlier.opened_start
            and coalesce(earlier.closed_start >= incidents.opened_start, true)
        )
    else true
end"""
# By cadence, rounded up.
BATCH_DAYS = " ".join(
    f"when '{every}' then {math.ceil(Cadence(every).days)}" for every in get_args(Every)
)
FAMILY = """(
    select case when events.kind = any(:performance) then 'performance'
        when events.kind = any(:arrival) then 'arrival' else 'values' end as of
)"""
WAITING = sa.text(f"""
with untold as (
    select
        events.*, coalesce(tried.attempts, 0) as attempts, monitors.owner, monitors.project,
        coalesce(monitors.every, 'day') as cadence, coalesce(monitors.timezone, 'UTC') as timezone,
        families.of = any(coalesce(monitors.page, '{{performance,arrival,values}}')) as is_paged,
        coalesce({AT_ONCE}, true) as is_at_once,
        case when families.of = 'values' and incidents.severity = 'warn'
            then :days_back * interval '1 day' else :age end as age,
        case coalesce(monitors.every, 'day') {BATCH_DAYS} end as batch_days,
        case monitors.digest when 'week' then interval '7 days' when 'never' then null
            else interval '1 day' end as every,
        coalesce(
            case when families.of = 'performance' then (
                select max(partition_date) from metrics.performance
                where monitor = events.monitor and kind = 'realised' and segment is null
                and value is not null
            ) end,
            (select max(partition_date) from metrics.partitions where monitor = events.monitor),
            events.on_date
        ) as newest_day
    from metrics.incident_events as events
    left join metrics.notifications as tried using (event_id)
    left join metrics.incidents using (incident_id)
    left join metrics.monitors on monitors.monitor = events.monitor
    cross join lateral {FAMILY} as families
    where events.event = any(:events)
    and (tried.event_id is null or (tried.state = 'retrying'
        and tried.tried_at <= :now - :first_wait * power(2, tried.attempts - 1)))
),
waiting as (
    select * from untold
    -- What is not told at once waits, and is news until it is told.
    where at > :now - case when not is_paged then every + :age when is_at_once then age
        else :most_wait end
    and (event <> all(:dated) or newest_day - on_date
        <= batch_days
        * case when is_at_once or not is_paged then :days_back else :most_days_back end)
),
told as (
    select incident_id from metrics.incident_events join metrics.notifications using (event_id)
    where event = any(:opening) and state = 'sent'
    union select incident_id from waiting where event = any(:opening)
),
-- Of each incident its newest event, which settles all that wait.
newest as (
    select distinct on (incident_id)
        incident_id, event, on_date, on_start, kind, diagnosis, report_url, monitor, owner,
        project, cadence, timezone,
        is_paged, every, array_agg(event_id) over of_incident as ids,
        bool_or(is_at_once) over of_incident as is_at_once, min(at) over of_incident as since,
        max(attempts) over of_incident as attempts, min(event_id) over of_incident as first
    from waiting where incident_id in (select incident_id from told)
    window of_incident as (partition by incident_id)
    order by incident_id, event_id desc
)
select
    newest.*, incidents.severity, incidents.opened_on, incidents.opened_start,
    incidents.column_name,
    (incidents.evidence ->> 'rows_concerned')::bigint as rows, {NEXT_STEP} as next_step,
    before.times, before.newest_on, before.newest_start
from newest left join metrics.incidents using (incident_id)
cross join lateral (
    select count(*) as times, max(earlier.opened_on) as newest_on,
        max(earlier.opened_start) as newest_start
    from metrics.incidents as earlier
    where earlier.monitor = incidents.monitor and earlier.family = incidents.family
    and earlier.opened_start < incidents.opened_start
    and earlier.column_name is not distinct from incidents.column_name
) as before
where newest.is_paged or :now - every >= (
    select min(other.since) from newest as other
    where other.monitor = newest.monitor and not other.is_paged
)
order by newest.first
""")
RECORD = sa.text(
    "insert into metrics.notifications (event_id, state, attempts, reason, sent_at, tried_at)"
    " values (:event_id, :state, :attempts, :reason, case when :state = 'sent' then :now end, :now)"
    " on conflict (event_id) do update set state = excluded.state, attempts = excluded.attempts,"
    " reason = excluded.reason, sent_at = excluded.sent_at, tried_at = excluded.tried_at"
)


def pending(connection: sa.Connection, now: dt.datetime) -> list[Message]:
    """Messages that are due, the oldest incident first.

    One an incident, or one of a change that two monitors of a project share; and one a monitor of
    those incidents that its YAML leaves to a digest. What asks for no message of its own is at the
    end of its monitor's next one.
    """
    asked = {
        "events": list(NEWS),
        "opening": list(OPENING),
        "dated": [*OPENING, "closed"],
        "days_back": MOST_DAYS_BACK,
        "now": now,
        "most_days_back": MOST_WAIT.days,
        "age": MOST_AGE,
        "most_wait": MOST_WAIT,
        "first_wait": FIRST_WAIT,
        **PAGED_KINDS,
    }
    groups: dict[tuple[object, ...], list[sa.Row[Any]]] = {}
    riding: dict[str, list[sa.Row[Any]]] = {}
    for row in connection.execute(WAITING, asked):
        if row.is_paged and not row.is_at_once:
            riding.setdefault(row.monitor, []).append(row)
        else:
            groups.setdefault(_group(row), []).append(row)
    return [
        _message(rows, riding.pop(rows[0].monitor, ())) if rows[0].is_paged else _digest(rows)
        for rows in groups.values()
    ]


def _group(row: "sa.Row[Any]") -> tuple[object, ...]:
    """What is told in one message with it."""
    if not row.is_paged:
        return ("digest", row.monitor)
    if row.column_name is None or row.project is None:
        return (row.incident_id,)
    return (row.event, row.kind, row.column_name, row.on_start, row.project)


def _message(rows: Sequence["sa.Row[Any]"], riding: Sequence["sa.Row[Any]"]) -> Message:
    """Of an incident, and of those of other monitors that are the same change.

    Parameters
    ----------
    riding : sequence of Row
        Other incidents of the first one's monitor, which are told in a line each.
    """
    first, *others = rows
    event = WORDS.get(first.event, first.event)
    cadence = Cadence.of(first.cadence, first.timezone)
    on, opened, before = (
        (first.on_start, first.opened_start, first.newest_start)
        if cadence.is_hourly
        else (first.on_date, first.opened_on, first.newest_on)
    )
    facts = [
        first.severity and f"severity {first.severity}",
        first.owner and f"owner {first.owner}",
        first.rows and f"about {first.rows:,} rows of {cadence.one}",
        first.opened_on and opened != on and f"since {_told(cadence, opened)}",
        first.times and f"such an incident opened before, last {_on(cadence, before)}",
    ]
    lines = [
        first.diagnosis,
        ", ".join(fact for fact in facts if fact),
        f"{event} {cadence.on(on)}, incident {first.incident_id}",
        *(f"the same in {other.monitor}, incident {other.incident_id}" for other in others),
        first.report_url,
        first.next_step and f"next: {first.next_step}",
        riding and "since the last message:",
        *map(_line, riding),
    ]
    monitors = ", ".join(row.monitor for row in rows)
    return Message(
        events=tuple(event for row in (*rows, *riding) for event in row.ids),
        incident=first.incident_id,
        attempts=max(row.attempts for row in rows),
        title=f"[{event}] {monitors}: {first.kind}",
        body="\n".join(line for line in lines if line),
        kind="success" if first.event in CLOSING else "warning",
    )


def _digest(rows: Sequence["sa.Row[Any]"]) -> Message:
    """Of a monitor's incidents that are not told at once."""
    count = f"{len(rows)} incident{'s' if len(rows) > 1 else ''}"
    return Message(
        events=tuple(event for row in rows for event in row.ids),
        incident=rows[0].incident_id,
        attempts=max(row.attempts for row in rows),
        title=f"[digest] {rows[0].monitor}: {count}",
        body="\n".join(map(_line, rows)),
        kind="info",
    )


def _line(row: "sa.Row[Any]") -> str:
    """An incident in one line."""
    event = WORDS.get(row.event, row.event)
    cadence = Cadence.of(row.cadence, row.timezone)
    on = _on(cadence, row.on_start if cadence.is_hourly else row.on_date)
    return f"{event} {on}, incident {row.incident_id}: {row.diagnosis}"


def _told(cadence: Cadence, batch: dt.date) -> str:
    """A batch in a list of facts: an hour as a clock shows it, any other by its first day."""
    return cadence.name(batch) if cadence.is_hourly else str(batch)


def _on(cadence: Cadence, batch: dt.date) -> str:
    return f"{'at' if cadence.is_hourly else 'on'} {_told(cadence, batch)}"


def is_due(engine: sa.Engine) -> bool:
    """Whether there is a message to send now."""
    with engine.connect() as connection:
        return bool(pending(connection, _now(connection)))


def _now(connection: sa.Connection) -> dt.datetime:
    """The warehouse's clock, by which events are dated."""
    now: dt.datetime = connection.execute(sa.text("select clock_timestamp()")).scalar_one()
    return now


def deliver(
    engine: sa.Engine, urls: Sequence[str], now: dt.datetime | None = None
) -> list[Delivery]:
    """Send what is due, and record what became of it; a service that fails raises nothing.

    Two senders at once send nothing twice: the second waits for the first's lock, and finds its
    record.

    Parameters
    ----------
    urls : sequence of str
        Apprise's addresses; they hold secrets, and are neither logged nor recorded.
    """
    service = apprise.Apprise()
    unusable = sum(not service.add(url) for url in urls)
    done = []
    with engine.begin() as connection:
        alone(connection, "notifications")
        now = now or _now(connection)
        for message in pending(connection, now):
            done.append(_send(service, message, unusable))
            connection.execute(
                RECORD,
                [
                    {
                        "event_id": event,
                        "state": done[-1].state,
                        "attempts": message.attempts + 1,
                        "reason": done[-1].reason,
                        "now": now,
                    }
                    for event in message.events
                ],
            )
    return done


def send_test(urls: Sequence[str]) -> dict[str, bool]:
    """Send a test message to each address; gives the scheme of each and whether it took it."""
    answers = {}
    for number, url in enumerate(urls, start=1):
        service = apprise.Apprise()
        added = service.add(url)
        name = f"{number}: {url.split('://')[0]}"
        answers[name] = bool(
            added
            and _quietly(
                service, "Driftmeter: a test message", "Messages about incidents will arrive here."
            )
        )
    return answers


def _send(service: apprise.Apprise, message: Message, unusable: int) -> Delivery:
    if unusable:
        reason = f"Apprise does not know {unusable} of the configured addresses"
    elif _quietly(service, message.title, message.body, message.kind):
        return Delivery(message, "sent")
    else:
        reason = "a service refused it or did not answer"
    is_last = message.attempts + 1 >= MOST_ATTEMPTS
    return Delivery(message, "failed" if is_last else "retrying", reason)


def _quietly(service: apprise.Apprise, title: str, body: str, kind: str = "info") -> bool:
    """Send; Apprise logs addresses, which hold secrets, so it is silenced."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return bool(
        service.notify(
            title=title,
            body=body,
            notify_type=apprise.NotifyType(kind),
            # Values of a team's rows are in it: a service that takes markup gets them escaped.
            body_format=apprise.NotifyFormat.TEXT,
        )
    )
