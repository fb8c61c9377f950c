"""Run as a script: give up root, then start both services as an ordinary user would.

It begins as root and drops its rights only after everything is imported, because the Python of
the tests may lie where no ordinary user can read. Prints what it saw as one JSON object.

Arguments: the project folder, the folder of the wheels, a data folder of the user, the user.
"""

import encodings.idna  # noqa: F401  needed by sockets, and unreadable later
import json
import os
import pwd
import sys
from pathlib import Path

root, packages, data_folder, user = sys.argv[1:]
sys.path.insert(0, root)

from billing_site.launch import accounts, layout, services  # noqa: E402
from billing_site.launch.layout import DataFolder  # noqa: E402
from billing_site.launch.steps import Steps  # noqa: E402

account = pwd.getpwnam(user)
if os.geteuid() == 0:
    os.chown(data_folder, account.pw_uid, account.pw_gid)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
os.chdir("/")
layout.site_packages = lambda: Path(packages)

data = DataFolder.at(data_folder)
data.create()
home = accounts.home_of(data)
both = services.Services(home, data.logs)
both.start(Steps(sys.stderr))
seen = {
    "uid": os.geteuid(),
    "home": str(home.path),
    "labels": [both.postgres.label, both.redis.label],
    "owners": [os.stat(f"/proc/{p.pid}").st_uid for p in both.processes()]
    if Path("/proc").exists()
    else [],
    "answers": both.redis.answers(),
}
both.stop()
seen["left"] = [p.pid for p in both.processes() if p.is_alive()]
print(json.dumps(seen))
