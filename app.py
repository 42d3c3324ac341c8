"""Starts the demo from a clone or on a Space: flags -> settings -> page -> launch."""

import sys

from sam2_demo.command_line.demo import main

if __name__ == "__main__":
    sys.exit(main())
