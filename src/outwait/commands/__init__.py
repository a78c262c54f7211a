"""What the commands of the command line do; `outwait.cli` reads their words and options."""
