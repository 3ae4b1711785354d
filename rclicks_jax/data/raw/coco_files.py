"""Finds the image files that a COCO file names, in any way of writing the names.

A name is tried as it is, with backslashes as slashes, and without the name of the image
folder in front. If there is no such file, the end of a URL, `%20`, other case and other
accents are tried; such a match is refused if another image may mean the same file. No
name leads out of the folder; links inside the folder may.
"""

import collections
import functools
import os
import pathlib
import posixpath
import re
import urllib.parse
from collections.abc import Iterable

from rclicks_jax import errors
from rclicks_jax.data.raw import identities, values

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class ImageFolder:
    """The folder of images of a COCO file, with the names of all images."""

    def __init__(self, folder: pathlib.Path, names: Iterable[str]) -> None:
        """Takes the folder and the names of all images.

        Raises:
            DataError: The path is not a folder, or the folder is empty.
        """
        try:
            is_empty = not any(folder.iterdir())
        except OSError as error:
            raise errors.DataError(
                f"{folder} is to be the folder of images: {error.strerror}"
            ) from error
        if is_empty:
            raise errors.DataError(f"{folder} is to hold the images, but is empty")
        self._folder = folder
        self._names = tuple(names)
        self._listings: dict[str, dict[str, list[str]]] = {}

    def find(self, name: str) -> tuple[pathlib.Path, bool]:
        """Returns the file that a name means, and whether its own name differs.

        If there is no such file, the path is that of the name.

        Raises:
            DataError: The name leads out of the folder, cannot be the name of a file,
                means a file that may belong to another image, or is a URL without a
                file here.
        """
        if not values.written(name) or "\0" in name:
            raise errors.DataError(f"{values.shown(name)} can be no file name")
        certain, others = self._readings(name)
        for reading in certain:
            if self._present(reading, exact=True):
                return self._folder / reading, reading != certain[0]
        for exact in (True, False):
            for reading in (*certain, *others):
                file = self._present(reading, exact)
                if file is None:
                    continue
                if self._claims[_key(file)] > 1:
                    raise errors.DataError(
                        f"the name {values.shown(name)} may mean {file}, and so may "
                        "that of another image: write file_name as the file is called"
                    )
                return self._folder / file, True
        if not certain:
            raise errors.DataError(
                f"the image is named by the URL {values.shown(name)}, and there is no "
                f"{values.shown(others[-1])} in {self._folder}: download it there"
            )
        return self._folder / certain[-1], False

    @functools.cached_property
    def _claims(self) -> collections.Counter[str]:
        """Number of images that each file may belong to."""
        claims: collections.Counter[str] = collections.Counter()
        for name in self._names:
            try:
                certain, others = self._readings(name)
            except errors.DataError:
                continue
            claims.update({_key(reading) for reading in (*certain, *others)})
        return claims

    def _readings(self, name: str) -> tuple[list[str], list[str]]:
        """Returns the certain readings of a name, and the uncertain ones.

        Raises:
            DataError: The name leads out of the folder.
        """
        _, is_url, rest = name.partition("://")
        if is_url:
            place = urllib.parse.unquote(re.split("[?#]", rest)[0])
            parts = [part for part in place.split("/")[1:] if part not in ("", "..")]
            if not parts:
                raise errors.DataError(f"the URL {values.shown(name)} names no file")
            return [], [self._inside("/".join(parts[-count:])) for count in (2, 1)]
        certain = [self._inside(name), self._inside(name.replace("\\", "/"))]
        first, _, inner = certain[1].partition("/")
        if inner and first in (self._folder.name, self._folder.resolve().name):
            certain.append(inner)
        unquoted = map(urllib.parse.unquote, certain)
        return certain, [reading for reading in unquoted if self._is_inside(reading)]

    def _is_inside(self, name: str) -> bool:
        try:
            self._inside(name)
        except errors.DataError:
            return False
        return True

    def _inside(self, name: str) -> str:
        """Returns a name relative to the folder, without `..`."""
        path = posixpath.normpath(name)
        for folder in (self._folder.absolute(), self._folder.resolve()):
            if path.startswith(f"{folder}/"):
                path = path[len(f"{folder}/") :]
        leads_out = path.startswith("/") or _DRIVE.match(path)
        if leads_out or path in (".", "..") or path.startswith("../") or "\0" in path:
            raise errors.DataError(
                f"the file name {values.shown(name)} leads out of {self._folder}: "
                f"write it as it is called in that folder{self._hint(path)}"
            )
        return path

    def _hint(self, path: str) -> str:
        """Returns a hint on a file in the folder that an outer path may mean."""
        parts = re.split(r"[\\/]", path)
        for start in range(1, len(parts)):
            inner = "/".join(parts[start:])
            if ".." not in parts[start:] and self._present(inner, exact=True):
                return f", perhaps {values.shown(inner)}"
        return ""

    def _present(self, name: str, exact: bool) -> str | None:
        """Returns the own name of a file, which may differ in case and accents."""
        if os.path.exists(self._folder / name):
            return name
        if exact:
            return None
        path = ""
        for part in name.split("/"):
            alike = self._listing(path).get(_key(part), [])
            if len(alike) != 1:
                return None
            path = posixpath.join(path, alike[0])
        return path

    def _listing(self, folder: str) -> dict[str, list[str]]:
        """Returns the names in a folder below, by name without case and accents."""
        if folder not in self._listings:
            listing: dict[str, list[str]] = {}
            try:
                for name in os.listdir(self._folder / folder):
                    listing.setdefault(_key(name), []).append(name)
            except OSError:
                # Reading the file reports that it is missing.
                pass
            self._listings[folder] = listing
        return self._listings[folder]


def _key(name: str) -> str:
    return identities.normal(name).casefold()
