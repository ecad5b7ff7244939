"""The base of every block of a monitor's YAML."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A frozen block of YAML in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())
