"""`python -m responsibility`."""

from responsibility.cli import main

main()
