"""What requests cost the services, beside the least that they can cost. `tests/bench` prepares everything and calls this."""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import report
from processes import Peer, Program, cpu, free_port, memory, post, stat, stolen

HERE = Path(__file__).parent
MILLION = 1_000_000
PEOPLE = 500
PASSWORD = "correct horse battery"
PUBLIC = "https://crm.example.com"


def options():
    parser = argparse.ArgumentParser(prog="tests/bench", description=__doc__)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=URL",
                        help="another server to ask the same, which runs already, with its own million customers")
    parser.add_argument("--token", action="append", default=[], metavar="NAME=TOKEN", help="a peer's bearer token")
    parser.add_argument("--word", action="append", default=[], metavar="NAME=WORD",
                        help="what a peer's customers are searched for; %%05d is a number below 10,000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="how long one measurement takes")
    parser.add_argument("--connections", default="16,64")
    parser.add_argument("--only", default="find,list,search,create,sign-in,start", help="which of these, separated by commas")
    parser.add_argument("--no-traces", action="store_true", help="nothing is exported")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="of the services, such as LOG=off")
    parser.add_argument("--programs", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--socket", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--server", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--server-process", type=int, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


class Bench:
    def __init__(self, asked):
        self.asked, self.started = asked, []
        self.rows = {}
        self.connections = [int(many) for many in asked.connections.split(",")]

    # What is measured on

    def sql(self, text):
        command = ["mariadb", "--no-defaults", f"--socket={self.asked.socket}", "--default-character-set=utf8mb4",
                   "-u", "root", "-N", "-B"]
        return subprocess.run(command, input=text, check=True, stdout=subprocess.PIPE, text=True).stdout

    def admin(self, *arguments, **env):
        command = [self.asked.programs / "admin", *arguments]
        env = {"PATH": os.environ["PATH"], "DATABASE_URL": f"{self.asked.server}/crm_bench", **env}
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"admin {arguments[0]}: {done.stderr}")
        return done.stdout

    def prepare(self):
        """A database for what is written, beside the million, which stays as it is; and the services' environment."""
        self.sql("DROP DATABASE IF EXISTS crm_bench; "
                 "CREATE DATABASE crm_bench CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        self.admin("migrate")
        created = self.admin("create-user", "user0@example.com", "--role", "admin")
        self.password = created.split("shown this once: ")[1].split()[0]
        self.sql("INSERT INTO crm_bench.users (email, email_key, role, status, password_hash, created_at) " + " UNION ALL ".join(
            f"SELECT 'user{one}@example.com', 'user{one}@example.com', role, status, password_hash, created_at "
            "FROM crm_bench.users WHERE id = 1" for one in range(1, PEOPLE)))
        keys = (line.split("=", 1) for line in self.admin("keys", "generate").splitlines() if "=" in line)
        self.env = {name: value.strip("'") for name, value in keys}
        self.env |= {"PUBLIC_BASE_URL": PUBLIC, "CLIENT_IP_HEADER": "X-Crm-Client-Ip", "LOG_FORMAT": "stackdriver",
                     "DATABASE_MAX_CONNECTIONS": "10", "IMAGES_DIR": str(self.asked.work)}
        if not self.asked.no_traces:
            port = free_port()
            self.collector = subprocess.Popen([sys.executable, HERE / "collector.py", str(port)])
            self.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
        self.env |= dict(pair.split("=", 1) for pair in self.asked.env)
        some = ", ".join(str(random.randint(1, MILLION)) for _ in range(20_000))
        self.ids = self.sql(f"SELECT id FROM crm_1000000.customers WHERE deleted = 0 AND id IN ({some})").split()
        # Surnames of so many customers that a page is full, and of so few that all of them can be put in order.
        self.words = self.sql(
            "SELECT surname_order FROM crm_1000000.customers WHERE deleted = 0 AND surname_order REGEXP '^[a-z]{4,}$' "
            "GROUP BY surname_order HAVING COUNT(*) BETWEEN 80 AND 250 ORDER BY RAND() LIMIT 300").split()

    def service(self, name, database, **env):
        return self.start([str(self.asked.programs / name)], {**self.env, "DATABASE_URL": f"{self.asked.server}/{database}", **env})

    def bare(self, database):
        return self.start([str(self.asked.programs / "bench-bare"), "serve", "PORT", f"{self.asked.server}/{database}"], {})

    def start(self, command, env):
        self.started.append(Program(command, env))
        return self.started[-1]

    def sign_in(self):
        """A token from the auth service; its session also stands where the million are."""
        body = json.dumps({"email": "user0@example.com", "password": self.password})
        self.token = json.loads(post(f"{self.auth.base}/login", body))["access_token"]
        columns = "id, user_id, counter, created_at, refreshed_at"
        self.sql(f"INSERT IGNORE INTO crm_1000000.sessions ({columns}) SELECT {columns} FROM crm_bench.sessions WHERE user_id = 1")

    def end(self):
        for program in self.started:
            program.stop()
        if hasattr(self, "collector"):
            self.collector.terminate()
        # The session that the million were made with stays.
        self.sql("DELETE FROM crm_1000000.sessions WHERE created_at > 0; DROP DATABASE IF EXISTS crm_bench")

    # What is asked

    def requests(self, route, name):
        words = dict(pair.split("=", 1) for pair in self.asked.word)
        if route == "find":
            return [f"GET /customers/{one}" for one in self.ids]
        if route == "list":
            return ["GET /customers?limit=50"]
        if route == "search":
            chosen = [words[name] % one for one in range(1_000, 10_000, 9)] if name in words else self.words
            return [f"GET /customers?limit=50&q={quote(word)}" for word in chosen]
        if route == "create":
            address = f"maria.garcia{int(time.time() * 10)}" + "{n}@example.com"
            return ["POST /customers " + json.dumps({"email": address, "name": "Maria", "surname": "Garcia"})]
        return ["POST /login " + json.dumps({"email": f"user{one}@example.com", "password": self.password}) for one in range(PEOPLE)]

    def drive(self, route, connections, name, server, token):
        requests = self.asked.work / "requests"
        requests.write_text("\n".join(self.requests(route, name)) + "\n")
        # Whoever signs in comes from an address of their own.
        head = f"Authorization: Bearer {token}\r\n" if token else "X-Crm-Client-Ip: 2001:db8:{i}::1\r\n"
        env = {**os.environ, "REQUESTS": str(requests), "HEAD": head}
        if route == "create":
            env["NUMBERED"] = "1"
        self.wrk(server, connections, 1, env)
        if route == "create":
            # Those who warmed it up are there already.
            requests.write_text(requests.read_text().replace("example.com", "example.org"))
        pids, database = server.tree(), [self.asked.server_process]
        before, steal = (cpu(pids), cpu(database)), stolen()
        figures, peak = self.wrk(server, connections, self.asked.seconds, env, pids if route == "sign-in" else None)
        after, steal = (cpu(pids), cpu(database)), [now - then for now, then in zip(stolen(), steal)]
        many, bad, broken, seconds, p50, p99, size = figures
        if bad or broken or not many:
            raise SystemExit(f"{name}, {route}: {bad:.0f} refused, {broken:.0f} broken of {many:.0f}")
        self.rows.setdefault((route, connections), {}).setdefault(name, []).append({
            "cpu": (after[0] - before[0]) * 1000 / many, "database": (after[1] - before[1]) * 1000 / many,
            "rate": many / seconds, "p50": p50, "p99": p99, "bytes": size / many, "peak": peak,
            "stolen": 100 * steal[0] / max(1, steal[1])})

    def wrk(self, server, connections, seconds, env, watched=None):
        """Figures of one run, and the most memory that the watched processes had meanwhile."""
        command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(HERE / "send.lua"), server.base]
        running = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        peak, said = 0, []
        reader = threading.Thread(target=lambda: said.append(running.stdout.read()))
        reader.start()
        while reader.is_alive():
            if watched:
                peak = max(peak, memory(watched))
            reader.join(0.05)
        running.wait()
        lines = [line for line in said[0].splitlines() if line.startswith("FIGURES")]
        if not lines:
            raise SystemExit(f"wrk failed: {said[0]}")
        return [float(field) for field in lines[0].split()[1:]], peak

    def run(self):
        routes = self.asked.only.split(",")
        reads = [route for route in ("find", "list", "search") if route in routes]
        self.prepare()
        self.auth = self.service("auth", "crm_bench")
        tokens = dict(pair.split("=", 1) for pair in self.asked.token)
        peers = {name: Peer(base) for name, base in (pair.split("=", 1) for pair in self.asked.peer)}
        million = {"bare": self.bare("crm_1000000"), "customers": self.service("customers", "crm_1000000")}
        written = {"bare": self.bare("crm_bench"), "customers": self.service("customers", "crm_bench")}
        for round_ in range(self.asked.rounds):
            self.sign_in()
            tokens["customers"] = self.token
            for routes_, servers in ((reads, million), (["create"] if "create" in routes else [], written)):
                for route in routes_:
                    for connections in self.connections:
                        for name, server in {**servers, **peers}.items():
                            self.drive(route, connections, name, server, tokens.get(name))
            print(f"round {round_ + 1} of {self.asked.rounds}", file=sys.stderr)
        if "sign-in" in routes:
            self.signing_in()

    def signing_in(self):
        for _ in range(self.asked.rounds):
            command = [self.asked.programs / "bench-bare", "hash", str(self.asked.seconds)]
            hashed = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for connections in self.connections:
                self.rows.setdefault(("sign-in", connections), {}).setdefault("argon2id", []).append({"cpu": hashed})
                self.drive("sign-in", connections, "auth", self.auth, None)

    def starts(self):
        """From exec to the first answer, in milliseconds, memory at rest, and the program's size, in MiB."""
        rows = {}
        for name in ("bare", "auth", "customers", "images"):
            times = []
            for _ in range(20):
                program = self.bare("crm_bench") if name == "bare" else self.service(name, "crm_bench")
                times.append(program.started_in * 1000)
                if len(times) == 20:
                    time.sleep(2)
                    rest = memory(program.tree())
                self.started.pop().stop()
            file = self.asked.programs / ("bench-bare" if name == "bare" else name)
            rows[name] = (statistics.median(times), rest, file.stat().st_size / 2**20)
        return rows


def main():
    bench = Bench(options())
    try:
        bench.run()
        report.table(bench.rows)
        if "start" in bench.asked.only.split(","):
            report.starts(bench.starts())
    finally:
        bench.end()


if __name__ == "__main__":
    main()
