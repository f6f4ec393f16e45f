#!/usr/bin/env bash
# Brings the static site to the bucket that the load balancer shows. functions/local/src/site.rs shows it in the same way.
# shellcheck source=terraform/release/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
only_for_a_release

bucket=gs://$PROJECT_ID-crm-site
fresh="public, max-age=300"
for_ever="public, max-age=31536000, immutable"
storage() { gcloud --quiet --project="$PROJECT_ID" storage "$@"; }

# A folder with a version in its name comes first: the pages that are still there use the old one. It is kept compressed,
# which the bucket undoes for whoever cannot read that.
for folder in docs/site/assets/swagger-ui-*; do
  storage cp "$folder"/* "$bucket/${folder#docs/site/}/" --gzip-local-all --cache-control="$for_ever"
done
# What the other commands bring is not here, so it must not be taken away.
storage rsync docs/site "$bucket" --recursive --delete-unmatched-destination-objects \
  --exclude='^assets/swagger-ui-.*,^docs$,^signin$' --cache-control="$fresh"
# Pages by the names in their addresses, which do not tell what they are.
for page in docs signin; do
  storage cp "docs/site/$page.html" "$bucket/$page" --content-type="text/html; charset=utf-8" --cache-control="$fresh"
done
