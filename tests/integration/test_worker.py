"""The worker as it runs in operation: `reports worker` in processes of its own, stopped, killed and doubled."""
