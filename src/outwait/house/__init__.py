"""One process and its calls: who places them, brings them what the world says, keeps their log, and hands them on."""
