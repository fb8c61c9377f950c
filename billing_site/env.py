"""The environment variables that configure Quittance, read once, typed and checked.

Three modes, chosen by ``QUITTANCE_ENV``:

- ``production`` (the default): every variable must be given and safe, or the process refuses to start.
- ``demo``: what ``./run`` uses on loopback; plain http is allowed.
- ``test``: what the test suite uses.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured

MODES = ("production", "demo", "test")
SECRET_KEY_MIN_LENGTH = 50
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class Env:
    """Configuration as the settings module needs it; built by :func:`read_env`."""

    mode: str
    secret_key: str
    database: dict[str, Any]
    redis_url: str
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    data_dir: str
    time_zone: str
    email_url: dict[str, Any]
    log_level: str

    @property
    def is_production(self) -> bool:
        return self.mode == "production"


def read_env(source: dict[str, str] | None = None) -> Env:
    """Read and check the environment.

    :param source: the variables; ``os.environ`` when not given.
    :raises ImproperlyConfigured: one message that lists every missing or unsafe variable with its remedy.
    """
    variables = dict(os.environ if source is None else source)
    mode = variables.get("QUITTANCE_ENV", "production")
    problems: list[str] = []
    if mode not in MODES:
        raise ImproperlyConfigured(
            f"QUITTANCE_ENV is {mode!r}; it must be one of {', '.join(MODES)}."
        )

    def required(name: str, remedy: str) -> str:
        value = variables.get(name, "").strip()
        if not value:
            problems.append(f"{name} is not set: {remedy}")
        return value

    def url(
        name: str, value: str, parse: Callable[[str], Any] | None, schemes: tuple[str, ...]
    ) -> Any:
        if not value:
            return {}
        if value.split("://", 1)[0] not in schemes:
            problems.append(f"{name} must begin with {' or '.join(s + '://' for s in schemes)}")
            return {}
        return parse(value) if parse else value

    secret_key = required("SECRET_KEY", "a random text of 50 characters or more")
    database_url = required("DATABASE_URL", "postgresql://user:password@host:5432/name")
    redis_url = required("REDIS_URL", "redis://host:6379/0")
    hosts = [h.strip() for h in variables.get("ALLOWED_HOSTS", "").split(",") if h.strip()]
    origins = [o.strip() for o in variables.get("CSRF_TRUSTED_ORIGINS", "").split(",") if o.strip()]
    database = url(
        "DATABASE_URL", database_url, environ.Env.db_url_config, ("postgresql", "postgres")
    )
    if "HOST" in database:  # a socket's folder is written %2Fvar%2Frun in a URL
        database["HOST"] = unquote(database["HOST"])
    url("REDIS_URL", redis_url, None, ("redis", "rediss"))
    email_url = url(
        "EMAIL_URL",
        variables.get("EMAIL_URL", "consolemail://"),
        environ.Env.email_url_config,
        ("smtp", "smtps", "smtp+tls", "smtp+ssl", "consolemail", "memorymail"),
    )
    if mode == "production":
        if secret_key and len(secret_key) < SECRET_KEY_MIN_LENGTH:
            problems.append(
                f"SECRET_KEY is too short: give at least {SECRET_KEY_MIN_LENGTH} random characters"
            )
        if len(set(secret_key)) < 10 and secret_key:
            problems.append("SECRET_KEY is too simple: give a random text")
        if not hosts:
            problems.append("ALLOWED_HOSTS is not set: the host names that people type, by comma")
        if "*" in hosts:
            problems.append("ALLOWED_HOSTS must not hold '*': name the hosts")
        data_dir = required("DATA_DIR", "the folder for documents, e.g. /var/lib/quittance")
        if data_dir and not os.path.isabs(data_dir):
            problems.append("DATA_DIR must be an absolute path, the same for every process")
    log_level = variables.get("LOG_LEVEL", "").strip() or "INFO"
    if log_level not in LOG_LEVELS:
        problems.append(f"LOG_LEVEL is {log_level!r}; it must be one of {', '.join(LOG_LEVELS)}")
    time_zone = variables.get("FIRM_TIME_ZONE", "").strip() or "Europe/Berlin"
    if time_zone not in available_timezones():
        problems.append(f"FIRM_TIME_ZONE is {time_zone!r}; give a name such as Europe/Berlin")
    if problems:
        raise ImproperlyConfigured(
            "Quittance cannot start, the environment is incomplete or unsafe:\n  - "
            + "\n  - ".join(problems)
        )
    return Env(
        mode=mode,
        secret_key=secret_key,
        database=database,
        redis_url=redis_url,
        allowed_hosts=hosts or ["localhost", "127.0.0.1", "[::1]"],
        csrf_trusted_origins=origins,
        data_dir=variables.get("DATA_DIR", "var"),
        time_zone=time_zone,
        email_url=email_url,
        log_level=log_level,
    )
