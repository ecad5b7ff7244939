"""Nothing: views were migrations once, and are files in ``warehouse/views`` since."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Change no table."""
