"""What the surface serves: one servicer per Google service, our own routes, the dashboard."""

from trainshed.api.calls import Servicer
from trainshed.api.own import receipts, server
from trainshed.api.reach import Reach
from trainshed.api.serve import Surface
from trainshed.api.services import storage
from trainshed.app.features import Features
from trainshed.clock import Clock
from trainshed.settings import Settings


def surface(settings: Settings, clock: Clock, features: Features, reach: Reach) -> Surface:
    """Put every servicer and route over its service."""
    servicers: list[Servicer] = []
    routes = [
        *storage.routes(features.buckets),
        *receipts.routes(features.ledger),
        *server.routes(clock, reach.environment),
    ]
    return Surface(settings, servicers, routes, near=reach)
