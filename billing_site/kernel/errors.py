"""Refusals that a user can act on."""


class DomainError(Exception):
    """A refusal with a sentence that says what is wrong and what to do about it.

    Views show ``str(error)`` as it stands; jobs keep it as the reason of a parked item.
    """
