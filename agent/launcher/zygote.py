"""The zygote: a small warm process that forks one monitor for each container.

Run as a script by the agent (``python -I -S zygote.py SOCKET``), with the standard library alone, so that a fork is
cheap. The agent connects to ``SOCKET`` once for each launch and sends one line of JSON (see :class:`Launch`); the
forked monitor answers one line on the same connection: ``{"monitor": pid, "pid": pid, "start": ticks}`` or
``{"error": text}``.

A *monitor* starts the command in a session of its own, writes the same answer to the start file, waits, and writes
``{"status": raw wait status}`` to the exit file, both atomically. It belongs to nobody's lifetime: agent and zygote may
die, it does not notice. Who wants to know of an exit watches the monitor's process and reads the file.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing costs a third of a fork's memory
    from typing import Any, NoReturn

READ_LIMIT = 64 << 20


class Launch:
    """What is to be started.

    :ivar argv: program and arguments; the program is looked for in the container's PATH.
    :ivar environ: the whole environment.
    :ivar directory: working directory; also where stdout and stderr are opened.
    :ivar user: name to run as, or ``None`` for the agent's own user.
    :ivar cgroups: files that the command's process id is written to before it starts.
    :ivar start_file: where the process ids go, for an agent that did not live to hear the answer.
    :ivar exit_file: where the wait status goes.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.argv = document["argv"]
        self.environ = document["environ"]
        self.directory = document["directory"]
        self.stdout = document["stdout"]
        self.stderr = document["stderr"]
        self.user = document["user"]
        self.cgroups = document["cgroups"]
        self.start_file = document["start_file"]
        self.exit_file = document["exit_file"]
        self.rlimits = document["rlimits"]


def main(path: str) -> None:
    """Serve launches until the agent, which holds the other end of our standard input, is gone."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # monitors are nobody's business
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    server.bind(path + ".new")
    os.chmod(path + ".new", 0o600)
    server.listen(128)
    os.rename(path + ".new", path)
    while True:
        ready, _, _ = select.select([server.fileno(), 0], [], [])
        if server.fileno() not in ready:
            return
        connection, _ = server.accept()
        if os.fork() == 0:
            server.close()
            serve(connection)
        connection.close()


def serve(connection: socket.socket) -> NoReturn:
    """Be the monitor of one launch; never returns."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.setsid()
        launch = Launch(json.loads(read_line(connection)))
        pid = start(launch)
        started = {"monitor": os.getpid(), "pid": pid, "start": start_ticks(pid)}
        write_whole(launch.start_file, json.dumps(started).encode())
        answer(connection, started)
    except BaseException as error:
        answer(connection, {"error": str(error)})
        os._exit(1)
    connection.close()
    watch(pid, launch.exit_file)


def watch(pid: int, exit_file: str) -> NoReturn:
    """Wait for the command, leave its status behind, and end."""
    close_all_files()
    while True:
        try:
            _, status = os.waitpid(pid, 0)
            break
        except InterruptedError:
            continue
    write_whole(exit_file, json.dumps({"status": status}).encode())
    os._exit(0)


def start(launch: Launch) -> int:
    """Fork and exec the command; return its process id.

    :raises OSError: with a text for the user, when anything before or at the exec fails.
    """
    reader, writer = os.pipe()
    os.set_inheritable(writer, False)
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            become(launch)
        except BaseException as error:
            os.write(writer, str(error).encode()[:4096])
        os._exit(127)
    os.close(writer)
    problem = os.read(reader, 4096).decode(errors="replace")
    os.close(reader)
    if problem:
        os.waitpid(pid, 0)
        raise OSError(problem)
    return pid


def become(launch: Launch) -> NoReturn:
    """Turn this process into the command."""
    os.setsid()
    for path in launch.cgroups:
        with open(path, "w") as file:
            file.write(str(os.getpid()))
    identity = look_up(launch.user)
    stdin = os.open(os.devnull, os.O_RDONLY)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    stdout, stderr = os.open(launch.stdout, flags, 0o644), os.open(launch.stderr, flags, 0o644)
    for source, target in ((stdin, 0), (stdout, 1), (stderr, 2)):
        os.dup2(source, target)
    if launch.rlimits:
        import resource

        for number, soft, hard in launch.rlimits:
            resource.setrlimit(number, (soft, hard))
    if identity is not None:
        name, uid, gid = identity
        for path in (launch.stdout, launch.stderr):
            os.chown(path, uid, gid)
        os.initgroups(name, gid)
        os.setgid(gid)
        os.setuid(uid)
    os.chdir(launch.directory)
    os.umask(0o022)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(launch.argv[0], launch.argv, launch.environ)


def look_up(user: str | None) -> tuple[str, int, int] | None:
    """Return (name, uid, gid) of a user to switch to; ``None`` when there is nothing to switch."""
    if user is None:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise OSError(f"Failed to get user information for '{user}': no such user on this host") from None
    if entry.pw_uid == os.geteuid():
        return None
    return entry.pw_name, entry.pw_uid, entry.pw_gid


def start_ticks(pid: int) -> int:
    """Return when a process started, in clock ticks since boot: with the pid it names the process for good."""
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[19])


def read_line(connection: socket.socket) -> bytes:
    """Return the first line that the agent sends."""
    data = b""
    while not data.endswith(b"\n"):
        piece = connection.recv(1 << 16)
        if not piece or len(data) > READ_LIMIT:
            raise OSError("the agent sent no whole line")
        data += piece
    return data


def answer(connection: socket.socket, document: dict[str, Any]) -> None:
    """Send one line; an agent that has gone away is not missed."""
    try:
        connection.sendall(json.dumps(document).encode() + b"\n")
    except OSError:
        pass


def write_whole(path: str, data: bytes) -> None:
    """Write a file so that it is there whole, or not at all. It need not outlive the machine: no process does."""
    temporary = path + ".new"
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(file, data)
        os.close(file)
        os.rename(temporary, path)
    except OSError:
        pass  # nobody to tell: without the file the exit counts as unknown


def close_all_files() -> None:
    """Hold nothing open that belongs to others."""
    null = os.open(os.devnull, os.O_RDWR)
    for target in (0, 1, 2):
        os.dup2(null, target)
    os.closerange(3, 1024)


if __name__ == "__main__":
    main(sys.argv[1])
