"""What every request works with: the store, the settings, the keys. `web.app.create` puts one on the app."""

from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, Request

from config.secrets import Keys
from config.settings import Settings


@dataclass(frozen=True)
class Desk:
    """One installation. `reader` is the model (sentiment.model.Model) where pages need one, else none."""

    engine: sa.Engine
    settings: Settings
    keys: Keys
    reader: Any = None

    @property
    def https(self) -> bool:
        """Whether people reach the desk by https: cookies are then Secure."""
        return self.settings.base_url.lower().startswith("https://")


def desk(request: Request) -> Desk:
    """The installation that serves this request."""
    found: Desk = request.app.state.desk
    return found


TheDesk = Annotated[Desk, Depends(desk)]
