"""Every write to orders; one action, one transaction."""
