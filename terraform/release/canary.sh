#!/usr/bin/env bash
# Puts the next release beside the one that serves: a revision a service, tagged `canary`, without traffic. The load
# balancer leads a request there that carries X-Crm-Canary (terraform/routes.tf).
# shellcheck source=terraform/release/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
only_for_a_release

printf 'r%s-%s\n' "$_TAG" "${BUILD_ID:0:8}" >"$NOTES/suffix"
: >"$NOTES/before"
for service in $SERVICES; do
  # Where the traffic is now, `revision,percent` a line: what a roll-back goes back to.
  run services describe "crm-$service" --flatten='status.traffic[]' \
    --format='csv[no-heading](status.traffic.revisionName,status.traffic.percent)' >"$NOTES/traffic"
  before=$(awk -F, '$1 != "" && $2 > 0 { share[$1] += $2 } END { for (name in share) print name "=" share[name] }' "$NOTES/traffic" | sort | paste -sd, -)
  printf '%s %s\n' "$service" "$before" >>"$NOTES/before"
done
for service in $SERVICES; do
  run services update "crm-$service" --image="$(digest "$service")" --no-traffic --tag=canary --revision-suffix="$(cat "$NOTES/suffix")"
done
say "The next release is there, without traffic."
