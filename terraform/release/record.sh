#!/usr/bin/env bash
# Keeps what the release is made of: its images' digests, and each program's bill of materials.
# shellcheck source=terraform/release/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
only_for_a_release

gcloud --quiet --project="$PROJECT_ID" storage cp "$NOTES/digests" "$NOTES"/*.cdx.json "gs://$PROJECT_ID-crm-releases/$_TAG/"
