#!/usr/bin/env bash
# Shifts traffic to the next release in steps, looks at its errors after each, and goes back by itself when there are
# more than one in a hundred, when they cannot be seen, or when anything else goes wrong.
# shellcheck source=terraform/release/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
only_for_a_release

STEPS=${_STEPS:-10 50 100}
SOAK=${_SOAK_SECONDS:-180}

before() { grep "^$1 " "$NOTES/before" | cut -d' ' -f2; }

# Everything back to where it was, every service for itself: one that cannot be reached must not keep the others.
roll_back() {
  trap - EXIT INT TERM
  set +e
  say "Rolling back: $why."
  local service was stuck=
  for service in $SERVICES; do
    was=$(before "$service")
    if [ -z "$was" ]; then
      say "crm-$service had no revision that served before: there is nothing to go back to."
    elif ! run services update-traffic "crm-$service" --to-revisions="$was"; then
      stuck=1
      say "crm-$service could not be rolled back. By hand: gcloud run services update-traffic crm-$service --region=$_REGION --to-revisions=$was"
    fi
  done
  [ -n "$stuck" ] || say "Rolled back. The next release keeps its tag; look at it with X-Crm-Canary."
  exit 1
}
why="a step failed"
trap roll_back EXIT
trap 'why="the build was stopped"; [ -z "$sleeping" ] || kill "$sleeping"; exit 1' INT TERM
sleeping=

# Fails when the new revisions answered more than one request in a hundred, and more than one at all, with a 5xx.
look() { # SINCE
  local names service statuses total errors
  for service in $SERVICES; do names="${names:+$names OR }\"$(revision "$service")\""; done
  # `|| return`: what cannot be seen counts as failed; a list of conditions would go on.
  statuses=$(gcloud --quiet --project="$PROJECT_ID" logging read \
    "resource.type=\"cloud_run_revision\" AND resource.labels.revision_name=($names) AND logName:\"run.googleapis.com%2Frequests\" AND timestamp>=\"$1\"" \
    --limit=20000 --format='value(httpRequest.status)') || return 1
  total=$(grep -c . <<<"$statuses" || true)
  errors=$(grep -c '^5' <<<"$statuses" || true)
  say "  $total requests, $errors of them failed with a 5xx"
  [ "$errors" -le $((total / 100 + 1)) ]
}

for percent in $STEPS; do
  since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  for service in $SERVICES; do
    new=$(revision "$service") was=$(before "$service")
    # A first release takes everything at once: there is nothing to share with.
    if [ -z "$was" ] || [ "$percent" = 100 ]; then
      to="$new=100"
    else
      # The rest is shared as it was.
      to="$new=$percent,$(awk -v rest=$((100 - percent)) -v was="$was" 'BEGIN {
        n = split(was, part, ","); left = rest
        for (i = 1; i <= n; i++) {
          split(part[i], one, "="); share = i == n ? left : int(one[2] * rest / 100); left -= share
          if (share > 0) printf "%s%s=%d", sep, one[1], share
          if (share > 0) sep = ","
        } }')"
    fi
    run services update-traffic "crm-$service" --to-revisions="$to"
  done
  say "The next release has $percent % of the traffic."
  # In the background, so that a build that is stopped is heard at once.
  sleep "$SOAK" & sleeping=$!
  wait "$sleeping"
  sleeping=
  look "$since" || { why="the next release fails"; exit 1; }
done

# Once more by the way that everybody takes.
_CANARY_KEY='' "$release/smoke-release.sh" || { why="the next release does not pass its trial"; exit 1; }
trap - EXIT INT TERM

# From here on what Terraform changes (a new version of a secret) is served at once, without a release.
for service in $SERVICES; do run services update-traffic "crm-$service" --to-latest; done
run jobs update crm-sweep --image="$(digest admin)"
say "Released."
