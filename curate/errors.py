"""The one ancestor of every error that a user can mend; the command prints it as one screen, without a trace."""


class UserError(Exception):
    """Say in words what is wrong, where, and what would be right."""
