"""Hold: one button stops all outgoing posts. Lifting shows each post that was due, to keep, move or drop."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import col, select

from config import clock, database, holds
from config.permissions import Action
from config.tables import Hold, Person
from web import pages
from web.desk import TheDesk
from web.guard import Who, needs

router = APIRouter()
AHEAD = timedelta(days=1)  # posts due this soon are shown when a hold is lifted
