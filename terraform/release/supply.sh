#!/usr/bin/env bash
# What comes from elsewhere: licences, sources, duplicates and holes that are known; and a bill of materials (CycloneDX) for
# each program, which the step `record` keeps.
# shellcheck source=terraform/release/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

tools=${TOOLS:-/workspace/.tools}
tests/check-supply --install --advisories
cargo install --quiet --locked --root "$tools" cargo-audit@0.22.2 cargo-cyclonedx@0.5.9
"$tools/bin/cargo-audit" audit

for program in auth customers images admin; do
  "$tools/bin/cargo-cyclonedx" cyclonedx --manifest-path "functions/$program/Cargo.toml" --format json --spec-version 1.5 \
    --target x86_64-unknown-linux-gnu --override-filename bill --quiet
  mv "functions/$program/bill.json" "$NOTES/$program.cdx.json"
done
# The tool writes one beside each crate of the workspace that the program is made of.
find . -name bill.json -not -path './.*' -delete
