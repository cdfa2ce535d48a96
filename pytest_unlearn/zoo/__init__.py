"""Models that only pretend to forget: one planted leak a file, and what must catch it."""
