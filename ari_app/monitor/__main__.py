"""`python -m ari_app.monitor`: watches one Asterisk from outside of its calls."""

import asyncio
import logging
import signal
from functools import partial

from ari_app.ari.client import AriClient
from ari_app.monitor import metrics
from ari_app.monitor.watch import Door, Pace, Watch
from billing.kit.database import make_engine, make_sessions
from billing.kit.logs import configure
from billing.kit.metrics import read_for_ever
from billing.kit.settings import Settings, read_settings


async def serve(settings: Settings) -> None:
    """Watch until told to stop."""
    engine = make_engine(settings)
    secret = settings.monitor_password.get_secret_value()
    door = Door(settings.ami_host, settings.ami_port, settings.monitor_user, secret)
    pace = Pace(ping_every_ms=settings.limits.ami_ping_ms, deadline_ms=settings.limits.ami_ms)
    sessions = make_sessions(engine)
    metrics.METRICS.watch_database(engine)
    read = partial(metrics.read, sessions, settings.asterisk_id)
    reading = asyncio.create_task(read_for_ever(read, metrics.forget), name="figures")
    try:
        async with AriClient(settings.ari_url, settings.monitor_user, secret) as ari:
            watch = Watch(settings.asterisk_id, door, ari, sessions, pace)
            task = asyncio.create_task(watch.run())
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
            async with metrics.METRICS.served(settings):
                await asyncio.wait({task})
            if not task.cancelled():
                task.result()
    finally:
        reading.cancel()
        await engine.dispose()


if __name__ == "__main__":
    given = read_settings()
    configure(given.log_level, json=True)
    # It logs whole messages, in which there are numbers.
    logging.getLogger("panoramisk").setLevel(logging.WARNING)
    asyncio.run(serve(given))
