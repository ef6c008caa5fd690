"""Reports of events as JSON, read only, over HTTP."""
