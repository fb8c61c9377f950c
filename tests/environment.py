"""Pytest plugin, loaded before Django's settings: puts the process into test mode.

Every process of a parallel run gets files of its own, and with ``./run test`` a Redis database of
its own too.
"""

import atexit
import os
import shutil
import tempfile

os.environ.setdefault("QUITTANCE_ENV", "test")
os.environ.setdefault("SECRET_KEY", "only-for-tests")

worker = os.environ.get("PYTEST_XDIST_WORKER", "")
folder = tempfile.mkdtemp(prefix="quittance-pytest-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ["DATA_DIR"] = folder
os.makedirs(os.path.join(folder, "static"), exist_ok=True)  # WhiteNoise warns without it
if worker and os.environ.get("QUITTANCE_REDIS_PER_WORKER"):
    server, _, _ = os.environ["REDIS_URL"].rpartition("/")
    os.environ["REDIS_URL"] = f"{server}/{1 + int(worker.removeprefix('gw'))}"
