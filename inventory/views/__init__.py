"""The pages of the inventory floor."""
