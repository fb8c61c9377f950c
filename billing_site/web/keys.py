"""Primary keys as they come in addresses and forms."""

LARGEST_KEY = 2**63 - 1


def positive_key(text: str) -> int:
    """A positive number that fits a key of the database; 0 for anything else."""
    if text.isascii() and text.isdigit() and len(text) < 20:
        number = int(text)
        return number if number <= LARGEST_KEY else 0
    return 0
