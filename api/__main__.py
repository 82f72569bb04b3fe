"""`python -m api`: the HTTP edge, at PRIMELINE_API_HOST and PRIMELINE_API_PORT."""

import uvicorn

from api.app import create_app
from billing.kit.logs import configure
from billing.kit.settings import read_settings

GRACE_SECONDS = 3
"""How long open streams may take to end when the process is told to."""

settings = read_settings()
configure(settings.log_level, json=True)
uvicorn.run(
    create_app(settings),
    host=settings.api_host,
    port=settings.api_port,
    log_config=None,
    access_log=False,
    server_header=False,
    timeout_graceful_shutdown=GRACE_SECONDS,
)
