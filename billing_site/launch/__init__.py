"""What ``./run`` does: set-up, service discovery, supervisor, checks.

Everything here is standard library only and runs on a bare Python 3.11, before anything is
installed. It imports nothing else of Quittance, and nothing of Quittance imports it.

==================  =========================================================================
``layout``          where things lie: the project folder and the data folder
``steps``           progress and times on the screen
``processes``       start, recognise and stop processes; what outlives a killed launcher
``accounts``        the unprivileged user that runs PostgreSQL and Redis when we are root
``system``          what only the machine's package manager brings: pango, Chromium, poppler
``setup``           ``.venv`` from ``requirements.lock``, ``node_modules`` from its lock
``discovery``       which PostgreSQL and which Redis to use
``postgres``        make, start, adopt and stop an embedded PostgreSQL
``redis``           the same for Redis or Valkey
``services``        both together, as the commands need them
``state``           one launcher per data folder, and what the last one left
``application``     the product's own processes and preparations: migrate, static files, demo
``supervisor``      ``./run`` itself
``checks``          ``./run check``
``suite``           ``./run test``
``doctor``          ``./run doctor``
``commands``        the command line
==================  =========================================================================
"""
