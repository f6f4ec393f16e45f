# What the release's scripts share. Each runs as a step of cloudbuild.yaml with its substitutions as variables.
# shellcheck shell=bash
set -euo pipefail

release=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SERVICES="auth customers images"
# What one step leaves for the next: digests, revisions, the traffic as it was.
NOTES=${NOTES:-/workspace/.release}
mkdir -p "$NOTES"
export release SERVICES NOTES

say() { printf '%s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

run() { gcloud --quiet --project="$PROJECT_ID" run "$@" --region="$_REGION"; }

# A build by hand with _RELEASE=no ends after the images: that is how the first ones come to be.
only_for_a_release() {
  if [ "${_RELEASE:-yes}" != yes ]; then
    say "_RELEASE is $_RELEASE: nothing is released."
    exit 0
  fi
}

# The digest of a program's image, as the step `images` noted it.
digest() { # PROGRAM
  local found
  found=$(grep -m1 "^$1 " "$NOTES/digests" | cut -d' ' -f2) || true
  case $found in
    *@sha256:*) printf '%s\n' "$found" ;;
    *) stop "$NOTES/digests names no image of $1: has the step \`images\` run?" ;;
  esac
}

# The name of the next release's revision of a service.
revision() { # SERVICE
  printf 'crm-%s-%s\n' "$1" "$(cat "$NOTES/suffix")"
}
