"""The environment variables: what each mode needs, and what production refuses."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from billing_site.env import read_env

SAFE = {
    "QUITTANCE_ENV": "production",
    "SECRET_KEY": "k3yQ-" * 9 + "abcdefghij",
    "DATABASE_URL": "postgresql://quittance:secret@db.example.com:5432/quittance",
    "REDIS_URL": "redis://redis.example.com:6379/0",
    "ALLOWED_HOSTS": "billing.example.com, www.example.com",
    "DATA_DIR": "/srv/quittance",
}


def test_a_safe_production_environment_is_accepted():
    env = read_env(SAFE)
    assert env.is_production
    assert env.allowed_hosts == ["billing.example.com", "www.example.com"]
    assert env.database["NAME"] == "quittance"
    assert env.data_dir == "/srv/quittance"


def test_production_is_what_is_assumed():
    assert read_env({k: v for k, v in SAFE.items() if k != "QUITTANCE_ENV"}).is_production


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "DATA_DIR"]
)
@pytest.mark.parametrize("value", [None, "", "   "])
def test_production_refuses_to_start_without(name, value):
    given = {k: v for k, v in SAFE.items() if k != name}
    if value is not None:
        given[name] = value
    with pytest.raises(ImproperlyConfigured, match=f"{name} is not set"):
        read_env(given)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SECRET_KEY", "k3yQ-abcdefghij" * 3 + "abcd", "too short"),  # 49 characters
        ("SECRET_KEY", "abcdefghi" * 6, "too simple"),  # 9 different characters
        ("ALLOWED_HOSTS", "*", "must not hold"),
        ("ALLOWED_HOSTS", "billing.example.com,*", "must not hold"),
        ("DATABASE_URL", "sqlite:///db.sqlite3", "must begin with"),
        ("DATABASE_URL", "mysql://user@host/name", "must begin with"),
        ("DATABASE_URL", "quittance", "must begin with"),
        ("REDIS_URL", "memory://", "must begin with"),
        ("REDIS_URL", "127.0.0.1:6379", "must begin with"),
        ("EMAIL_URL", "http://mail", "must begin with"),
        ("DATA_DIR", "var", "absolute path"),
        ("LOG_LEVEL", "LOUD", "must be one of"),
        ("LOG_LEVEL", "info", "must be one of"),
        ("FIRM_TIME_ZONE", "Berlin", "such as Europe/Berlin"),
    ],
)
def test_production_refuses_what_is_unsafe(name, value, says):
    with pytest.raises(ImproperlyConfigured, match=f"{name}.*{says}"):
        read_env(SAFE | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "k3yQ-abcdefghij" * 3 + "abcde"),  # 50 characters
        ("SECRET_KEY", "abcdefghij" * 5),  # 10 different characters
        ("DATABASE_URL", "postgres://user@host/name"),
        ("REDIS_URL", "rediss://host:6380/1"),
        ("LOG_LEVEL", "DEBUG"),
        ("LOG_LEVEL", ""),
        ("FIRM_TIME_ZONE", "America/Sao_Paulo"),
    ],
)
def test_production_accepts_the_nearest_that_is_safe(name, value):
    assert read_env(SAFE | {name: value}).is_production


def test_all_that_is_missing_is_said_at_once():
    with pytest.raises(ImproperlyConfigured) as refusal:
        read_env({})
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "DATA_DIR"):
        assert name in str(refusal.value)


@pytest.mark.parametrize("mode", ["prod", "PRODUCTION", "debug", ""])
def test_an_unknown_mode_is_refused(mode):
    with pytest.raises(ImproperlyConfigured, match="QUITTANCE_ENV"):
        read_env(SAFE | {"QUITTANCE_ENV": mode})


@pytest.mark.parametrize("mode", ["demo", "test"])
def test_demo_and_test_need_a_database_too(mode):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not set"):
        read_env({"QUITTANCE_ENV": mode, "SECRET_KEY": "x", "REDIS_URL": "redis://h/0"})


def test_demo_accepts_plain_values_on_this_machine():
    env = read_env(
        {
            "QUITTANCE_ENV": "demo",
            "SECRET_KEY": "x",
            "DATABASE_URL": "postgresql://quittance@%2Fvar%2FFolder%2Fsocket/quittance",
            "REDIS_URL": "redis://:pw@127.0.0.1:7000/0",
        }
    )
    assert env.allowed_hosts == ["localhost", "127.0.0.1", "[::1]"]
    assert env.database["HOST"] == "/var/Folder/socket"


def test_the_messages_hold_no_secret():
    given = SAFE | {"DATABASE_URL": "mysql://user:hunter2@host/name", "SECRET_KEY": "short-secret"}
    with pytest.raises(ImproperlyConfigured) as refusal:
        read_env(given)
    assert "hunter2" not in str(refusal.value)
    assert "short-secret" not in str(refusal.value)
