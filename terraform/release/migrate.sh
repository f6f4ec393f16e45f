#!/usr/bin/env bash
# Brings the schema up to date with the next release's own migrations, before any of its programs serves. The release
# that still serves meets the new schema: migrations only ever add (docs/deploy.md).
# shellcheck source=terraform/release/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
only_for_a_release

run jobs update crm-migrate --image="$(digest admin)"
run jobs execute crm-migrate --wait || stop "The migrations failed; nothing was released. \`gcloud logging read 'resource.type=\"cloud_run_job\"' --limit=50\` says why."
say "The schema is up to date."
