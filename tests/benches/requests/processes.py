"""Programs under measure, and what they take of the machine (proc(5))."""

import glob
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 20


def free_port():
    """Beneath those that the system gives to whoever connects: nobody takes it before it is listened on."""
    while True:
        port = random.randint(20_000, 30_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Program:
    """A program that answers on a port of its own. What it logs goes through a pipe and nowhere, as to a collector."""

    def __init__(self, command, env, live="/health/live", port=None):
        self.port = port or free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.sink = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [word.replace("PORT", str(self.port)) for word in command],
            env={"PATH": os.environ["PATH"], "PORT": str(self.port), **env},
            stdin=subprocess.DEVNULL, stdout=self.sink.stdin, stderr=self.sink.stdin)
        while not answers(self.port, live):
            if self.process.poll() is not None or time.perf_counter() - begun > PATIENCE:
                raise SystemExit(f"{command[0]} does not answer {live}")
            time.sleep(0.0002)
        self.started_in = time.perf_counter() - begun

    def tree(self):
        return [self.process.pid]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.sink.stdin.close()
        self.sink.wait()


class Peer:
    """A server that runs already, on this machine: the process that listens on its port, and its children."""

    def __init__(self, base):
        self.base = base.rstrip("/")
        port = f"{int(self.base.rsplit(':', 1)[1]):04X}"
        nodes = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table) as lines:
                rows = [line.split() for line in lines][1:]
            nodes |= {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and row[1].endswith(":" + port)}
        self.listeners = {int(link.split("/")[2]) for link in glob.glob("/proc/[0-9]*/fd/*") if target(link) in nodes}
        if not self.listeners:
            raise SystemExit(f"nothing listens at {base}")

    def tree(self):
        every, found = {}, set(self.listeners)
        for path in glob.glob("/proc/[0-9]*/stat"):
            if fields := stat(path.split("/")[2]):
                every[int(path.split("/")[2])] = int(fields[1])
        while more := {child for child, parent in every.items() if parent in found} - found:
            found |= more
        return found


def target(link):
    try:
        return os.readlink(link)
    except OSError:
        return None


def answers(port, path):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def post(url, body, head=()):
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json", **dict(head)})
    try:
        return urllib.request.urlopen(request, timeout=PATIENCE).read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url}: {error.code} {error.read()!r}") from error


def stat(process):
    """The fields behind the name, from the state on."""
    try:
        with open(f"/proc/{process}/stat") as text:
            return text.read().rsplit(") ", 1)[1].split()
    except OSError:
        return None


def cpu(processes):
    """Processor seconds so far."""
    fields = filter(None, map(stat, processes))
    return sum(int(its[11]) + int(its[12]) for its in fields) / TICKS


def memory(processes):
    """Proportional set size in MiB."""
    total = 0
    for process in processes:
        with open(f"/proc/{process}/smaps_rollup") as text:
            total += next(int(line.split()[1]) for line in text if line.startswith("Pss:"))
    return total / 1024


def stolen():
    """Ticks that the machine beneath took from this one, and all."""
    with open("/proc/stat") as text:
        fields = [int(field) for field in text.readline().split()[1:9]]
    return fields[7], sum(fields)
