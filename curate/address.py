"""Addresses: files, folders and patterns in a store, as in `s3://bucket/folder/*.parquet`, told from paths."""

from __future__ import annotations

import re

from curate.errors import UserError
from curate.models.settings import find_secrets

STORES = ("s3", "gs", "hf")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)


class AddressError(UserError, ValueError):
    """Say in one sentence what is wrong with an address, and what would be right."""


class Address(str):
    """The address of a file, a folder or a pattern in a store.

    Raises:
        AddressError: when it is none, or holds a secret.

    >>> at = Address("s3://bucket/runs/lima/")
    >>> at, at.store, at.path, at.name, at / "train.parquet"
    ('s3://bucket/runs/lima', 's3', 'bucket/runs/lima', 'lima', 's3://bucket/runs/lima/train.parquet')
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Address:
        """Check an address; one slash at its end means nothing."""
        match = _ADDRESS.fullmatch(text)
        if not match or match[1] not in STORES:
            raise AddressError("an address begins with s3://, gs:// or hf://")
        if any(find_secrets(text)):
            raise AddressError(
                "an address holds no user, password or key: the store's own library reads them from the environment or "
                "from its files"
            )
        path = match[2].removesuffix("/")
        if not named(path):
            raise AddressError("no part of an address is empty, '.' or '..'")
        return super().__new__(cls, f"{match[1]}://{path}")

    @property
    def store(self) -> str:
        """Name the kind of store: s3, gs or hf."""
        return self.partition("://")[0]

    @property
    def path(self) -> str:
        """Give what the store's own library calls the path: bucket and key."""
        return self.partition("://")[2]

    @property
    def name(self) -> str:
        """Give the last part."""
        return self.path.rpartition("/")[2]

    def __truediv__(self, name: str) -> Address:
        return Address(f"{self}/{name}")


def is_address(value: object) -> bool:
    """Tell whether a value is meant as an address, of whatever store.

    >>> is_address("https://host/a.jsonl"), is_address("C:/data"), is_address("data/a.jsonl")
    (True, False, False)
    """
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def named(path: str) -> bool:
    """Tell whether a path in a store can be one on a disk too: no part of it is empty, `.` or `..`."""
    return "\0" not in path and {"", ".", ".."}.isdisjoint(path.split("/"))
