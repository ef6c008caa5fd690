"""Deliveries: what is sent to whom, by e-mail or webhook, each with a record that outlives the sending."""
