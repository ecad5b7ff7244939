"""Days that are missing, empty, late or of another size are incidents of their own kinds."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Split the family `arrival` by kind; an incident keeps what people did about it."""
    op.execute("update metrics.breaches set family = kind where family = 'arrival'")
    op.execute(
        "update metrics.incidents set family = kind,"
        " cause = kind || substr(cause, length('arrival') + 1) where family = 'arrival'"
    )
