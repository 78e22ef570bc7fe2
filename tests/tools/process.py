"""process.py PROGRAM TEST: one test of the tandem program as a process."""

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import fcntl
import tempfile
import termios

PROGRAM = sys.argv[1]
SIMULATE = [PROGRAM, "simulate", "--model", "mlp", "--on", "k80-x4", "--pp", "4"]
ENDLESS = [PROGRAM, "run", "--model", "mlp", "--on", "k80-x4", "--pp", "2", "--iterations", "100000"]


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def run(words, **more):
    return subprocess.run(words, capture_output=True, text=True, **more)


def on_terminal(words, columns, **environment):
    """What the program writes on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env={**clean, **environment})
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 65536):
            text += piece
    except OSError:  # the terminal's other end is closed
        pass
    check("exit code on a terminal", process.wait(), 0)
    return text.decode().replace("\r\n", "\n")


def exit_codes():
    check("done", run(SIMULATE).returncode, 0)
    check("no", run([PROGRAM, "simulate", "--model", "gpt2-xl", "--on", "tesla-k80"]).returncode, 1)
    check("wrong", run([PROGRAM, "simulate", "--pp", "0"]).returncode, 2)
    check("short", run([*SIMULATE, "--trace", "/no/such/file"]).returncode, 3)


def reader_leaves():
    """`tandem show program | head -1`: ends with the pipe, as other programs do, and without a word."""
    words = [PROGRAM, "show", "program", "--model", "mlp", "--on", "k80-x4", "--pp", "4", "--micro-batches", "20000"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check("first line", process.stdout.readline(), "stage 0 / compute\n")
    process.stdout.close()
    check("complaint", process.stderr.read(), "")
    check("end", process.wait(), -signal.SIGPIPE)


def full_output():
    with open("/dev/full", "w") as full:
        result = subprocess.run(SIMULATE, stdout=full, stderr=subprocess.PIPE, text=True)
    check("exit code", result.returncode, 3)
    check("complaint", result.stderr, "error: cannot write the result to standard output\n")


def interrupt():
    """The program ends itself with 128 + signal where a clean end takes two seconds: 4 says that it did not."""
    for which in signal.SIGINT, signal.SIGTERM:
        process = subprocess.Popen(ENDLESS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in process.stdout:
            if line.startswith("iteration"):
                break
        process.send_signal(which)
        _, complaint = process.communicate()
        check("exit code", process.returncode, 4)
        check("complaint", complaint.startswith("error: the run failed: ") and "interrupted" in complaint, True)


def no_color():
    check("colour", "\033[" in on_terminal(SIMULATE, 80), True)
    check("colour with NO_COLOR", "\033[" in on_terminal(SIMULATE, 80, NO_COLOR="1"), False)
    check("colour with an empty NO_COLOR", "\033[" in on_terminal(SIMULATE, 80, NO_COLOR=""), True)


def terminal_width():
    for columns in 60, 80, 120:
        text = on_terminal(SIMULATE, columns, NO_COLOR="1")
        picture = text[text.index("predicted: "):].splitlines()
        check(f"widest line of {columns}", columns - 4 <= max(map(len, picture)) <= columns, True)


def pipe_has_no_colour():
    check("control characters", re.findall("[\033\r]", run(SIMULATE).stdout), [])
    check("words on the error stream", run(SIMULATE).stderr, "")


def foreign_profile():
    """A profile that cannot be read says what to do."""
    with tempfile.TemporaryDirectory() as cache:
        os.mkdir(f"{cache}/tandem")
        with open(f"{cache}/tandem/host.yaml", "w") as file:
            file.write("device: host\nkind: cpu\nbandwith: 3 GB/s\n")
        result = run([PROGRAM, "simulate"], env={**os.environ, "XDG_CACHE_HOME": cache})
    check("exit code", result.returncode, 2)
    check("place", "host.yaml:3:1: error: " in result.stderr, True)


if __name__ == "__main__":
    globals()[sys.argv[2]]()
