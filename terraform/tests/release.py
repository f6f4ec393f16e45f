#!/usr/bin/env python3
"""Runs cloudbuild.yaml's own steps, in its order, with a gcloud that writes down what it is told, against a stand-in."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import yaml

import cloudbuild
from standin import StandIn

root = pathlib.Path(__file__).resolve().parents[2]
tests = root / "terraform/tests"
build = yaml.safe_load((root / "cloudbuild.yaml").read_text())
SERVICES = ["auth", "customers", "images"]
SUFFIX = "rabc1234-01234567"
BEFORE = "crm-SERVICE-old,100\n"
SCRIPTS = pathlib.Path(tempfile.mkdtemp())
# Written before any thread starts: a program cannot be run while a fork of another thread still holds it open for writing.
for step in build["steps"]:
    (SCRIPTS / step["id"]).write_text(step["script"])
    (SCRIPTS / step["id"]).chmod(0o755)


class Release:
    """One build, in a folder of its own."""

    def __init__(self, traffic=BEFORE, fault=None, **more):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        (self.folder / "bin").mkdir()
        (self.folder / "bin/gcloud").symlink_to(tests / "fake-gcloud")
        for name, text in {"calls": "", "fail": "", "statuses": "200\n" * 50, "traffic": traffic}.items():
            (self.folder / name).write_text(text)
        notes = self.folder / "notes"
        notes.mkdir()
        (notes / "digests").write_text("".join(f"{p} r.example/crm/{p}@sha256:{'0' * 64}\n" for p in [*SERVICES, "admin"]))
        for program in [*SERVICES, "admin"]:
            (notes / f"{program}.cdx.json").write_text("{}")
        self.outside = StandIn(self.folder, fault, {s: f"crm-{s}-{SUFFIX}" for s in SERVICES})
        self.env = {
            **{name: str(value) for name, value in build["substitutions"].items()},
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "FAKE": str(self.folder), "NOTES": str(notes),
            "PROJECT_ID": "crm-example", "BUILD_ID": "01234567-89ab", "_TAG": "abc1234", "_CANARY_KEY": "canary-4711",
            "_BASE_URL": self.outside.base, "_HTTP_URL": self.outside.http, "_CA_FILE": str(self.outside.ca),
            "_PROVIDERS": "google facebook", "_SOAK_SECONDS": "0", "_PATIENCE_SECONDS": "1", **more,
        }

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self

    def step(self, name):
        return subprocess.Popen([SCRIPTS / name], cwd=root, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self):
        """Every step that needs no Docker and no compiler, until one fails. Gives what ran, how it ended, what was said."""
        ran, said = [], ""
        try:
            for name in cloudbuild.order(build):
                if name in ("test", "supply", "images"):
                    continue
                ran.append(name)
                process = self.step(name)
                said += process.communicate()[0]
                if process.returncode:
                    return ran, process.returncode, said
            return ran, 0, said
        finally:
            self.outside.close()

    def calls(self, begin=""):
        return [call for call in (self.folder / "calls").read_text().splitlines() if call.startswith(begin)]

    def shifts(self):
        return [call.removeprefix("run services update-traffic crm-") for call in self.calls("run services update-traffic")]


def to(split):
    return [f"{s} --to-revisions={split.replace('NEW', f'crm-{s}-{SUFFIX}').replace('OLD', f'crm-{s}-old')}" for s in SERVICES]


def a_good_release_takes_everything_in_steps():
    release = Release()
    ran, code, said = release.run()
    assert code == 0, said
    assert ran == ["migrate", "canary", "smoke", "shift", "site", "record"], ran
    latest = [f"{s} --to-latest" for s in SERVICES]
    assert release.shifts() == to("NEW=10,OLD=90") + to("NEW=50,OLD=50") + to("NEW=100") + latest, release.shifts()
    calls = release.calls()
    order = [next(i for i, call in enumerate(calls) if call.startswith(begin)) for begin in (
        "run jobs update crm-migrate --image=r.example/crm/admin@sha256:", "run jobs execute crm-migrate --wait", "run services update crm-auth",
        "run services update-traffic crm-auth", "logging read", "run jobs update crm-sweep", "storage rsync docs/site gs://crm-example-crm-site")]
    assert order == sorted(order), calls
    for service in SERVICES:
        assert release.calls(f"run services update crm-{service}") == [
            f"run services update crm-{service} --image=r.example/crm/{service}@sha256:{'0' * 64} --no-traffic --tag=canary --revision-suffix={SUFFIX}"]
    assert len(release.calls("logging read")) == 3
    site = "gs://crm-example-crm-site"
    library = next((root / "docs/site/assets").glob("swagger-ui-*")).name
    copies = release.calls("storage cp docs/site")
    assert copies[0].endswith(f" {site}/assets/{library}/ --gzip-local-all --cache-control=public, max-age=31536000, immutable"), copies
    assert copies[1:] == [
        f"storage cp docs/site/{page}.html {site}/{page} --content-type=text/html; charset=utf-8 --cache-control=public, max-age=300"
        for page in ("docs", "signin")], copies
    kept = release.calls("storage cp")[-1]
    assert kept.endswith(" gs://crm-example-crm-releases/abc1234/") and kept.count(".cdx.json") == 4 and "/digests " in kept, kept


def errors_while_shifting_bring_everything_back():
    release = Release().write("statuses", "200\n" * 96 + "503\n" * 4)
    ran, code, said = release.run()
    assert code == 1 and ran[-1] == "shift" and "Rolled back" in said, said
    assert release.shifts() == to("NEW=10,OLD=90") + to("OLD=100"), release.shifts()
    assert not release.calls("storage") and not release.calls("run jobs update crm-sweep")


def one_stray_error_is_borne():
    release = Release().write("statuses", "200\n" * 20 + "502\n")
    assert release.run()[1] == 0


def errors_that_cannot_be_seen_count():
    release = Release().write("fail", "logging read")
    ran, code, said = release.run()
    assert code == 1 and release.shifts() == to("NEW=10,OLD=90") + to("OLD=100"), (said, release.shifts())


def trial_fails(fault):
    def claim():
        release = Release(fault=fault)
        ran, code, said = release.run()
        assert code == 1 and ran[-1] == "smoke" and not release.shifts(), (fault, ran, said)
        assert "WRONG" in said, said

    return claim


FAULTS = ["redirect by http", "redirect to run.app", "redirect with a slash more", "the old revision answers", "the database is away",
          "plain HTTP is served", "no HSTS", "pictures are public", "customers are public"]


def migrations_that_fail_release_nothing():
    release = Release().write("fail", "jobs execute")
    ran, code, said = release.run()
    assert code == 1 and ran == ["migrate"] and "nothing was released" in said and len(release.calls()) == 2


def a_revision_that_does_not_start_shifts_nothing():
    release = Release().write("fail", "services update crm-customers")
    ran, code, _ = release.run()
    assert code == 1 and ran[-1] == "canary" and not release.shifts()


def a_shift_that_breaks_half_way_brings_everything_back():
    release = Release().write("fail", f"crm-customers --to-revisions=crm-customers-{SUFFIX}=50")
    ran, code, _ = release.run()
    shifts = release.shifts()
    assert code == 1 and shifts[-3:] == to("OLD=100"), shifts
    assert f"auth --to-revisions=crm-auth-{SUFFIX}=50,crm-auth-old=50" in shifts


def a_service_that_cannot_be_brought_back_does_not_keep_the_others():
    release = Release().write("statuses", "500\n" * 9).write("fail", "crm-customers --to-revisions=crm-customers-old=100")
    ran, code, said = release.run()
    assert code == 1 and release.shifts()[-3:] == to("OLD=100") and "Rolled back." not in said
    assert "By hand: gcloud run services update-traffic crm-customers --region=europe-west1 --to-revisions=crm-customers-old=100" in said, said


def a_first_release_has_nothing_to_share_with():
    release = Release(traffic="")
    ran, code, said = release.run()
    assert code == 0 and release.shifts()[:3] == to("NEW=100"), (said, release.shifts())


def a_first_release_that_fails_says_so():
    release = Release(traffic="").write("statuses", "500\n" * 9)
    ran, code, said = release.run()
    assert code == 1 and "nothing to go back to" in said and release.shifts() == to("NEW=100"), said


def traffic_that_was_split_goes_back_to_its_split():
    release = Release(traffic="crm-SERVICE-a,70\ncrm-SERVICE-b,30\ncrm-SERVICE-c,0\n,\n").write("statuses", "500\n" * 9)
    release.run()
    shifts = [shift for shift in release.shifts() if shift.startswith("auth ")]
    assert shifts == [f"auth --to-revisions=crm-auth-{SUFFIX}=10,crm-auth-a=63,crm-auth-b=27", "auth --to-revisions=crm-auth-a=70,crm-auth-b=30"], shifts


def a_build_that_is_stopped_goes_back():
    release = Release(_SOAK_SECONDS="60")
    for name in ("migrate", "canary", "smoke"):
        process = release.step(name)
        said = process.communicate()[0]
        assert process.returncode == 0, said
    process = release.step("shift")
    deadline = time.time() + 20
    while len(release.shifts()) < 3 and time.time() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=20)[0]
    release.outside.close()
    assert process.returncode == 1 and "the build was stopped" in said and release.shifts()[-3:] == to("OLD=100"), said


def only_images_are_built_when_asked():
    release = Release(_RELEASE="no")
    ran, code, _ = release.run()
    assert code == 0 and not release.calls()


def a_secret_goes_in_without_its_line_break():
    release = Release()
    release.outside.close()
    put = subprocess.run([root / "terraform/release/put-secret", "refresh-key"], env=release.env, input="abc\n", capture_output=True, text=True)
    assert put.stdout == '"refresh-key" = 5\n' and (release.folder / "secret").read_text() == "abc", put
    assert release.calls() == ["secrets versions add crm-refresh-key --data-file=- --format=value(name)"]
    empty = subprocess.run([root / "terraform/release/put-secret", "refresh-key"], env=release.env, input="\n", capture_output=True, text=True)
    assert empty.returncode == 1 and len(release.calls()) == 1


def the_edge_learns_the_keys_that_sign():
    release = Release()
    release.outside.close()
    tell = lambda keys: subprocess.run([root / "terraform/release/cdn-keys"], env=release.env, input=keys, capture_output=True, text=True)
    told = tell("new-key:AQEBAQEBAQEBAQEBAQEBAQ,old-key:AAAAAAAAAAAAAAAAAAAAAA\n")
    assert told.stdout == "Cloud CDN knows: new-key old-key\n", told
    assert [call.split("--key-file")[0].strip() for call in release.calls("compute")][1:] == [
        "compute backend-services add-signed-url-key crm-images-live --key-name=new-key",
        "compute backend-services delete-signed-url-key crm-images-live --key-name=retired-key"]
    assert tell("Bad_Name:AQEBAQEBAQEBAQEBAQEBAQ").returncode == 1


def claims():
    helpers = ("to", "trial_fails", "claims", "prove", "main")
    found = {name: claim for name, claim in globals().items() if getattr(claim, "__module__", "") == "__main__" and not isinstance(claim, type)}
    found = {name: claim for name, claim in found.items() if name not in helpers}
    return found | {f"nothing is shifted when: {fault}": trial_fails(fault) for fault in FAULTS}


def prove(named):
    name, claim = named
    try:
        claim()
        print(f"  {name}... pass")
        return True
    except AssertionError as error:
        print(f"  {name}... FAIL: {error}")
        return False


def main():
    cloudbuild.check(build)
    wanted = [(name, claim) for name, claim in claims().items() if name in (sys.argv[1:] or [name])]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(prove, wanted))
    print(f"release: {results.count(True)} passed, {results.count(False)} failed")
    sys.exit(not results or not all(results))


if __name__ == "__main__":
    main()
