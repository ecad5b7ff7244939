"""Stands where a program is: lets the warm process fork and be it, and ends as the fork does."""

import json
import os
import signal
import socket
import sys

PROGRAM = os.path.basename(sys.argv[0])
FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0])))
COLD = os.path.join(os.path.realpath(os.path.join(FOLDER, "cold")), PROGRAM)
# Of Python itself: Driftmeter's modules, and the process that workers fork from.
MODULES, WORKERS = "dagster_driftmeter.", "from multiprocessing.forkserver import main"


def is_warm(arguments):
    """Whether this start is one of those that import much."""
    with open(os.path.join(FOLDER, "decided.json")) as file:
        at_start, decided = json.load(file)
    # The warm process has started already; only where it looks for modules is set in its forks.
    given = {name: value for name, value in os.environ.items() if name.startswith(tuple(at_start))}
    if {**given, "PYTHONPATH": ""} != {**decided, "PYTHONPATH": ""}:
        return False
    if PROGRAM != "python":
        return True
    module = arguments[arguments.index("-m") + 1] if "-m" in arguments[:-1] else ""
    code = arguments[arguments.index("-c") + 1] if "-c" in arguments[:-1] else ""
    return module.startswith(MODULES) or code.startswith(WORKERS)


def open_files():
    """Numbers of the files that this process was given."""
    found = []
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def connected(address):
    """A connection to the warm process; None where there is none."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.connect(address)
    except OSError:
        return None
    return server


def main():
    """Be the program."""
    arguments, files = sys.argv[1:], open_files()
    server = connected(os.path.join(FOLDER, "socket")) if is_warm(arguments) else None
    if server is None:
        os.execv(COLD, [COLD, *arguments])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: server.send(bytes([number])))
    asked = {
        "program": sys.argv[0],
        "arguments": arguments,
        "environment": {**os.environ},
        "directory": os.getcwd(),
        "files": files,
    }
    message = json.dumps(asked).encode()
    socket.send_fds(server, [len(message).to_bytes(4, "big")], files)
    server.sendall(message)
    code = int(server.recv(16) or 255)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


main()
