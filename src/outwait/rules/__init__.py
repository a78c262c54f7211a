"""What may be dialled, at which hour, and which web addresses may be asked. They know nothing of calls."""
