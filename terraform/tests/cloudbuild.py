"""What cloudbuild.yaml must be: its steps in an order that lets nothing through untried."""
import pathlib
import re
import sys

import yaml

PATH = pathlib.Path(__file__).resolve().parents[2] / "cloudbuild.yaml"


def order(build):
    """The steps' names, each after all that it waits for."""
    done, left = [], list(build["steps"])
    while left:
        ready = [step for step in left if all(wait == "-" or wait in done for wait in step["waitFor"])]
        assert ready, f"these wait for each other: {[step['id'] for step in left]}"
        done += [step["id"] for step in ready]
        left = [step for step in left if step not in ready]
    return done


def before(build, name):
    """Every step that must have ended well before this one begins."""
    steps = {step["id"]: step for step in build["steps"]}
    found, look = set(), [wait for wait in steps[name]["waitFor"] if wait != "-"]
    while look:
        found.add(look[0])
        look += [wait for wait in steps[look.pop(0)]["waitFor"] if wait != "-"]
    return found


def check(build):
    root = PATH.parent
    assert order(build)[-6:] == ["migrate", "canary", "smoke", "shift", "site", "record"], order(build)
    assert before(build, "shift") == {"test", "supply", "images", "migrate", "canary", "smoke"}
    assert before(build, "migrate") == {"test", "supply", "images"}, "nothing is released untested"
    for step in build["steps"]:
        assert re.fullmatch(r"[a-z0-9./-]+(:[a-z0-9.-]+)?", step["name"]), step["name"]
        script = step["script"].splitlines()
        assert script[0] == "#!/usr/bin/env bash" and len(script) == 2, f"{step['id']}: scripts are files"
        program = root / script[1].removeprefix("exec ")
        assert program.is_file() and program.stat().st_mode & 0o111, f"{program} is there and can be run"
    rust = re.search(r'channel = "([^"]+)"', (root / "rust-toolchain.toml").read_text())[1]
    compilers = {step["id"]: step["name"] for step in build["steps"] if step["name"].startswith("rust:")}
    assert compilers == dict.fromkeys(["test", "supply"], f"rust:{rust}-bookworm"), "tests run on the compiler of rust-toolchain.toml"
    programs = re.findall(r"^FROM base AS (\w+)$", (root / "functions/Dockerfile").read_text(), re.M)
    assert sorted(re.findall(r"/crm/(\w+):", " ".join(build["images"]))) == sorted(programs), "every image has a provenance"
    options = build["options"]
    assert options["logging"] == "CLOUD_LOGGING_ONLY" and options["requestedVerifyOption"] == "VERIFIED" and options["automapSubstitutions"]
    # Every variable that a script reads is a substitution, one of Cloud Build's own, or has a default.
    told = set(build["substitutions"]) | {"PROJECT_ID", "BUILD_ID"}
    for script in (root / "terraform/release").glob("*.sh"):
        text = script.read_text()
        for name in re.findall(r"\$\{?(_[A-Z_]+|PROJECT_ID|BUILD_ID)(?![A-Z_])", text):
            assert name in told or "${" + name + ":" in text, f"{script.name} reads {name}"
    given = set(re.findall(r"^\s+(_[A-Z_]+)\s+=", (root / "terraform/build.tf").read_text(), re.M))
    assert given and given <= set(build["substitutions"]), "Terraform's trigger gives what the build takes"


if __name__ == "__main__":
    check(yaml.safe_load(PATH.read_text()))
    print("cloudbuild.yaml is as it should be")
    sys.exit(0)
