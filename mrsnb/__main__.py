"""``python -m mrsnb`` is the command ``mrsnb``."""

from mrsnb.cli import main

main()
