"""The HTTP API: the workshop portal's contract, and the reports page on top of it."""
