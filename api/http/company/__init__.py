"""Report definitions of a company, over HTTP."""
