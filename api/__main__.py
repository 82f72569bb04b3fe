"""`python -m api`: the HTTP edge on loopback, at PRIMELINE_HEALTH_PORT."""

import uvicorn

from api.health import create_app
from billing.kit.logs import configure
from billing.kit.settings import read_settings

settings = read_settings()
configure(settings.log_level, json=True)
uvicorn.run(
    create_app(settings),
    host="127.0.0.1",
    port=settings.health_port,
    log_config=None,
    access_log=False,
)
