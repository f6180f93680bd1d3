"""`python -m responsibility`."""

from responsibility.cli.commands import main

main()
