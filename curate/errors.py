"""The one ancestor of every error that a user can mend; the command prints it as one screen, without a trace."""


class UserError(Exception):
    """Say in words what is wrong, where, and what would be right."""


def missing_package(error: BaseException) -> str | None:
    """Say in words which package is not installed; None for any other error, and for a module of this library.

    >>> missing_package(ModuleNotFoundError("No module named 'numpy'", name="numpy"))
    'the package numpy is not installed; `curate doctor` says which extra brings it'
    """
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package in ("", "curate"):
        return None
    return f"the package {package} is not installed; `curate doctor` says which extra brings it"
