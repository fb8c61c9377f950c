"""``manage.py load_demo_company``: the demo company and its logins."""

import json
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from approvals.demo import story, users


class Command(BaseCommand):
    help = "Creates the demo company in an empty database; does nothing where there are customers."

    def handle(self, **options) -> None:
        if settings.ENV.is_production:
            raise CommandError(
                "The demo company has published passwords and is not for production. "
                "Set QUITTANCE_ENV=demo to look at it."
            )
        if story.is_told():
            self.stdout.write("There are customers already; nothing was loaded.")
            return
        story.tell(at=timezone.now())
        target = Path(settings.DATA_DIR) / "demo-logins.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({"logins": users.logins()}, indent=2))
        self.stdout.write("The demo company is loaded.")
