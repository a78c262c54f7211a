"""A PostgreSQL server for the tests, where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoPostgres(Exception):
    """There is none to start here, and why."""


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a fresh server's database; the server goes with the context. Raises NoPostgres."""
    programs = _programs()
    unprivileged = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="outwait-pg-", dir="/tmp"))
    try:
        if unprivileged is not None:
            os.chown(folder, unprivileged.pw_uid, unprivileged.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data = folder / "data"
        _run(unprivileged, programs / "initdb", "-D", data, "-U", "outwait", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
        _run(unprivileged, programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://outwait@127.0.0.1:{port}/postgres"
        finally:
            _run(unprivileged, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    found = shutil.which("initdb")
    if found is None or shutil.which("pg_ctl") is None:
        raise NoPostgres("PostgreSQL's initdb and pg_ctl are not installed")
    return Path(found).resolve().parent


def _unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _run(user: pwd.struct_passwd | None, *command: str | Path) -> None:
    try:
        subprocess.run(
            [str(part) for part in command],
            check=True,
            timeout=60,
            cwd="/tmp",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPostgres(f"PostgreSQL does not start here: {error}") from error
