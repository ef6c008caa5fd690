"""Report definitions: what is made and mailed at an interval, to whom, and under which conditions."""
