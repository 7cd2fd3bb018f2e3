#!/usr/bin/env python
"""Muster's command line. Each command finds the running database, or starts the embedded one for its own duration."""

import os
import sys

from django.core.management import execute_from_command_line

from incidents_site.config import ConfigError, load
from incidents_site.embedded import EmbeddedError
from incidents_site.embedded.borrowed import database_for


def main() -> None:
    """Run one command; a wrong setting or an unusable database folder is one line on standard error."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
    try:
        with database_for(load(os.environ), sys.argv[1:]):
            execute_from_command_line(sys.argv)
    except (ConfigError, EmbeddedError) as error:
        sys.exit(f"Muster cannot start: {error}")


if __name__ == "__main__":
    main()
