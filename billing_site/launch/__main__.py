"""``./run`` calls this file with a bare Python, isolated from its environment."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from billing_site.launch.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
