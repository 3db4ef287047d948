"""`python -m leadrail` is `leadrail`."""

from leadrail.cli import main

main()
