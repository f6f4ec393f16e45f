#!/usr/bin/env bash
# Brings the static site to the bucket that the load balancer shows.
# shellcheck source=terraform/release/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
only_for_a_release

gcloud --quiet --project="$PROJECT_ID" storage rsync docs/site "gs://$PROJECT_ID-crm-site" \
  --recursive --delete-unmatched-destination-objects --cache-control="public, max-age=300"
