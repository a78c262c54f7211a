"""`python -m outwait` is `outwait`."""

from outwait.cli import main

main()
