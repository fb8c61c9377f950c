"""Whether this process can do its work."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

REDIS_SECONDS = 2


def readiness() -> dict[str, bool]:
    """``database``, ``migrations`` and ``redis``, each True when it is fit for work."""
    database = migrations = False
    try:
        executor = MigrationExecutor(connection)
        database = True
        migrations = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        pass
    return {"database": database, "migrations": migrations, "redis": _redis_answers()}


def _redis_answers() -> bool:
    client = redis.Redis.from_url(
        settings.CELERY_BROKER_URL,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
