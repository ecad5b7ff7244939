"""The command that an incident asks for, in SQL: a message, a list and a panel say the same."""

from driftmeter.incidents.breach import FAMILIES, OF_VALUES

_OF_VALUES = ", ".join(f"'{family}'" for family in sorted(OF_VALUES - {"schema"}))
# Of a row of metrics.incidents that is called `incidents`; null of one that is closed.
NEXT_STEP = (
    "case when incidents.closed_on is not null then null"
    " when incidents.acknowledged_by is null"
    " then 'driftmeter incidents ack ' || incidents.incident_id"
    " when incidents.evidence ? 'proposal' then incidents.evidence ->> 'proposal'"
    f" when incidents.family in ('{FAMILIES['missing_day']}', '{FAMILIES['empty_day']}',"
    f" '{FAMILIES['late_data']}') then 'driftmeter run --stale --monitor ' || incidents.monitor"
    f" when incidents.family in ({_OF_VALUES})"
    " then 'driftmeter incidents accept ' || incidents.incident_id"
    " else 'driftmeter incidents close ' || incidents.incident_id end"
)
