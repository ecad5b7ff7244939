"""How to reach the embedded server: its port and password, and the file that keeps them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from driftmeter.errors import DriftmeterError

ROLE = DATABASE = "driftmeter"


@dataclass(frozen=True)
class Access:
    """Port and password of the embedded server's one role and database."""

    port: int
    password: str

    @property
    def url(self) -> str:
        """The connection URL, password included."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"


def read_access(file: Path) -> Access | None:
    """What the file says, or None where there is none.

    Raises
    ------
    DriftmeterError
        If the file cannot be read.
    """
    try:
        return Access(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise DriftmeterError(
            f"cannot be read ({error})",
            where=str(file),
            fix='it must hold {"port": ..., "password": ...} of the embedded warehouse',
        ) from error


def save_access(file: Path, access: Access) -> None:
    """Write the file, readable by its owner only, whole or not at all."""
    new = file.with_suffix(".json.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps(asdict(access)))
    new.rename(file)
