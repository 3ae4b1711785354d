"""Runs a command again and again; each time another call to the system fails.

    python faulty_command.py BASE STEP ERRORS COMMAND FLAG ...

`{out}` in a flag is a new folder each time, as the cache is, and `{data}` is BASE/data.
Every call that opens, makes, renames, lists or removes a file is known by the lines of
the project that led to it: each STEP-th place, in the order of a hash of them, fails
once, with each of ERRORS: names of errno, with commas; `usual` is EIO where something
is read and else ENOSPC, and `CUT` cuts a file in half before it is read. Then the
command is run again, without a fault.
Prints a line of JSON for each try.
"""

import contextlib
import errno
import hashlib
import importlib
import io
import json
import os
import pathlib
import shutil
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATIONS = {
    "open", "os.mkdir", "os.rename", "os.remove", "os.listdir", "os.scandir",
    "fcntl.flock", "tempfile.mkdtemp", "tempfile.mkstemp", "fsync", "shutil.rmtree",
    "os.link", "os.symlink", "os.rmdir", "os.utime", "os.truncate", "os.chmod",
}  # fmt: skip
# These do not say a path below the folder of the tries.
ELSEWHERE = {
    "subprocess.Popen", "fcntl.flock", "mmap.__new__", "os.fork", "os.posix_spawn",
    "socket.__new__", "socket.bind", "socket.connect", "socket.getaddrinfo",
    "socket.gethostbyname",
}  # fmt: skip
CUT = "CUT"
OURS = tuple(
    f"{ROOT}/{name}/" for name in ("rclicks_jax", "launch", "configs", "datasets")
)
FOLDERS = ("workdir", "out")
# What users keep; the rest has times in it, or is made of this.
KEPT = (
    "run/tables/*.csv", "run/maps/**/*.png", "run/clicks.csv", "run/tasks.csv",
    "run/*.safetensors", "run/model/*.safetensors", "run.pth",
)  # fmt: skip


class Faults:
    """Notes calls to the system, or lets one of them fail."""

    def __init__(self, base):
        self.base = str(base)
        self.seen = {}
        self.target = self.error = self.whole = None
        self.on = False
        sys.addaudithook(self.hook)
        fsync = os.fsync

        def audited(descriptor):
            self.hook("fsync", (self.base + "/fsync",))
            return fsync(descriptor)

        os.fsync = audited

    def hook(self, event, arguments):
        if not self.on or event not in OPERATIONS | ELSEWHERE:
            return
        path = arguments[0] if arguments else ""
        if event in ELSEWHERE:
            path = self.base
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, (str, os.PathLike)):
            return
        if not os.fspath(path).startswith(self.base):
            return
        place = self.place(event, arguments)
        self.seen.setdefault(place, os.fspath(path))
        if place == self.target:
            self.target = None
            if self.error == CUT:
                self.cut(pathlib.Path(os.fspath(path)))
                return
            raise OSError(self.error, os.strerror(self.error), os.fspath(path))

    def cut(self, path):
        self.on = False
        if path.is_file():
            whole = path.read_bytes()
            self.whole = (path, whole)
            # Of another inode: what is open is not meant.
            path.unlink()
            path.write_bytes(whole[: len(whole) // 2])
        self.on = True

    def mend(self):
        """Puts back what was cut, if users made it; else the command must."""
        if self.whole and self.whole[0].is_relative_to(f"{self.base}/data"):
            self.whole[0].write_bytes(self.whole[1])
        self.whole = None

    def place(self, event, arguments):
        frame, lines = sys._getframe(2), []
        while frame is not None and len(lines) < 3:
            name = frame.f_code.co_filename
            if name.startswith(OURS):
                lines.append(f"{name.removeprefix(f'{ROOT}/')}:{frame.f_lineno}")
            frame = frame.f_back
        mode = arguments[1] if event == "open" and len(arguments) > 1 else ""
        return f"{event}({mode or ''}) " + " < ".join(lines)


def run(module, flags, faults=None):
    """Runs the command in this process; returns its status and what it said."""
    from absl import flags as absl_flags
    from rclicks_jax.launch import commands

    if not absl_flags.FLAGS.is_parsed():
        absl_flags.FLAGS(["command", *flags])
    rest = [flag for flag in flags if not flag.startswith("--")]
    # Overrides of a configuration are parsed once; folders are no part of it.
    for flag in set(flags) - set(rest):
        name, _, value = flag[2:].partition("=")
        if name in FOLDERS:
            absl_flags.FLAGS[name].value = value
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        if faults:
            faults.on = True
        try:
            status = commands.call(module.main, rest)
        except SystemExit as error:
            status = error.code
        except BaseException:
            status = 1
            said.write(traceback.format_exc())
        finally:
            if faults:
                faults.on = False
    return status, said.getvalue()


def content(out):
    return {
        str(path.relative_to(out)): path.read_bytes()
        for pattern in KEPT
        for path in sorted(out.rglob(pattern))
        if not path.name.startswith("timing")
    }


def _spread(place):
    """Puts neighbours apart, in the same way in each run."""
    return hashlib.sha256(place[0].encode()).digest()


def main():
    base, step, names, command, *flags = sys.argv[1:]
    base = pathlib.Path(base)
    os.chdir(base)
    tempfile.tempdir = str(base / "tmp")
    os.mkdir(tempfile.tempdir)
    module = importlib.import_module(f"rclicks_jax.launch.{command}")

    def again(out, faults=None):
        os.environ["RCLICKS_CACHE"] = str(out / "cache")
        filled = [flag.format(out=out / "run", data=base / "data") for flag in flags]
        return run(module, filled, faults)

    # The first one imports, and opens what is opened once.
    assert (done := again(base / "first"))[0] == 0, done
    faults = Faults(base)
    status, said = again(base / "expected", faults)
    assert status == 0, said
    expected = content(base / "expected")
    places = sorted(faults.seen.items(), key=_spread)[:: int(step)]
    for place, path in places:
        for name in names.split(","):
            if name == "usual":
                read = place.startswith(("open(r", "os.listdir", "os.scandir"))
                name = "EIO" if read else "ENOSPC"
            if name == CUT and not place.startswith("open(r"):
                continue
            shutil.rmtree(base / "try", ignore_errors=True)
            faults.target, faults.error = place, getattr(errno, name, name)
            status, said = again(base / "try", faults)
            told = {"place": place, "path": path, "error": name, "status": status}
            told |= {"said": said[-1500:], "came": faults.target is None}
            faults.target = None
            faults.mend()
            # What was done in spite of a fault need not be done again.
            told["again"], more = again(base / "try") if status else (0, "")
            told["same"] = content(base / "try") == expected
            if told["again"]:
                told["more"] = more[-1500:]
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
