"""Django's own checks: no migration is missing, and production settings raise no warning."""

import os
import subprocess
import sys
import tempfile

import pytest
from django.core.management import call_command

from billing_site.launch import checks
from tests.architecture.sources import ROOT


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.requirement("R16")
def test_production_settings_raise_no_warning():
    with tempfile.TemporaryDirectory() as folder:
        check = next(c for c in checks.all_checks(folder) if c.name == "deployment")
        result = subprocess.run(
            [sys.executable, *check.argv[1:]],
            cwd=ROOT,
            # Playwright's tests set this one for themselves
            env={k: v for k, v in os.environ.items() if k != "DJANGO_ALLOW_ASYNC_UNSAFE"}
            | check.env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stderr


@pytest.mark.requirement("R16")
@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS"])
def test_production_does_not_start_without(name):
    with tempfile.TemporaryDirectory() as folder:
        check = next(c for c in checks.all_checks(folder) if c.name == "deployment")
        env = {key: value for key, value in (os.environ | check.env).items() if key != name}
        result = subprocess.run(
            [sys.executable, "-c", "import billing_site.settings"],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode != 0
    assert name in result.stderr
