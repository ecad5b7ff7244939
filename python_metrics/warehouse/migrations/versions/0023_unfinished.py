"""What a run left undone: incidents' pages that are still to be drawn, and why."""

from alembic import op

revision = "0023"
down_revision = "0020"

STATEMENTS = (
    """
alter table metrics.incidents
add column report_state text not null default 'due'
check (report_state in ('due', 'drawn', 'failed', 'too few rows')),
add column report_reason text
""",
    "update metrics.incidents set report_state = 'drawn' where report_url is not null",
)


def upgrade() -> None:
    """Add the columns."""
    for statement in STATEMENTS:
        op.execute(statement)
