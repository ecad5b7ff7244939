"""What people call a bin of a histogram, each by a name of its own."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the function: bounds that round to one number are still told apart by the bin's."""
    op.execute(
        """
        create function metrics.bin_label(bin integer, bin_low double precision, category text)
        returns text language sql immutable parallel safe
        return case
            when bin < 0 then '(missing)'
            -- Four digits are enough for people; the number tells bins apart.
            when bin_low is not null then bin || ': from ' || trim_scale(
                round(
                    bin_low::numeric,
                    case when bin_low = 0 then 0
                        else greatest(0, 3 - floor(log(abs(bin_low)))::integer) end
                )
            )
            when category is null then 'below'
            when bin = 0 then 'new: ' || category
            else category
        end
        """
    )
