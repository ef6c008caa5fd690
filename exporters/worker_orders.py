"""What a worker and its slots, which are processes, tell each other."""

STOP, LEAVE = "stop", "leave"
"""What a slot is told: to claim no more; to give back what it has."""

READY = "ready"
"""What a slot tells when it has made a file, or could make one of each format: it is able to live."""
