"""Finds the image files that a COCO file names, however it writes them.

A name is read as it stands, with backslashes as slashes, and without the name of the
image folder in front. Where there is no such file, the end of a URL, `%20`, other case
and other accents are tried, and refused where another image may mean the same file.
No name leads out of the folder; links that lie in it may.
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
    """The folder of images of a COCO file, with all names that it is asked for."""

    def __init__(self, folder: pathlib.Path, names: Iterable[str]) -> None:
        """Takes the folder and the names of all images.

        Raises:
            DataError: It is no folder, or empty.
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
        """Returns the file that a name means, and whether it is called differently.

        Where there is none, the path is what the name says.

        Raises:
            DataError: The name leads out of the folder, cannot be the name of a file,
                means a file that may be another image's, or is a URL of no file here.
        """
        if not values.written(name) or "\0" in name:
            raise errors.DataError(f"{values.shown(name)} can be no file name")
        certain, others = self._readings(name)
        for reading in certain:
            if self._present(reading, exact=True):
                return self._folder / reading, reading != certain[0]
        for exact in (True, False):
            for reading in (*certain, *others):
                found = self._present(reading, exact)
                if found is None:
                    continue
                if self._claims[_key(found)] > 1:
                    raise errors.DataError(
                        f"the name {values.shown(name)} may mean {found}, and so may "
                        "that of another image: write file_name as the file is called"
                    )
                return self._folder / found, True
        if not certain:
            raise errors.DataError(
                f"the image is named by the URL {values.shown(name)}, and there is no "
                f"{values.shown(others[-1])} in {self._folder}: download it there"
            )
        return self._folder / certain[-1], False

    @functools.cached_property
    def _claims(self) -> collections.Counter[str]:
        """Counts the images that each file may belong to."""
        claims: collections.Counter[str] = collections.Counter()
        for name in self._names:
            try:
                certain, others = self._readings(name)
            except errors.DataError:
                continue
            claims.update({_key(each) for each in (*certain, *others)})
        return claims

    def _readings(self, name: str) -> tuple[list[str], list[str]]:
        """Returns the ways to read a name: the certain ones, and the others.

        Raises:
            DataError: It leads out of the folder.
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
        return certain, [each for each in unquoted if self._is_inside(each)]

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
        """Names a file inside the folder that the end of an outer path may mean."""
        parts = re.split(r"[\\/]", path)
        for start in range(1, len(parts)):
            inner = "/".join(parts[start:])
            if ".." not in parts[start:] and self._present(inner, exact=True):
                return f", perhaps {values.shown(inner)}"
        return ""

    def _present(self, name: str, exact: bool) -> str | None:
        """Returns what a file is called, which may differ in case and accents."""
        if os.path.exists(self._folder / name):
            return name
        if exact:
            return None
        found = ""
        for part in name.split("/"):
            alike = self._listing(found).get(_key(part), [])
            if len(alike) != 1:
                return None
            found = posixpath.join(found, alike[0])
        return found

    def _listing(self, folder: str) -> dict[str, list[str]]:
        """Returns what lies in a folder below, by name without case and accents."""
        if folder not in self._listings:
            listing: dict[str, list[str]] = {}
            try:
                for name in os.listdir(self._folder / folder):
                    listing.setdefault(_key(name), []).append(name)
            except OSError:
                # The missing file is told when it is read.
                pass
            self._listings[folder] = listing
        return self._listings[folder]


def _key(name: str) -> str:
    return identities.normal(name).casefold()
