#!/usr/bin/env bash
# Tries the next release through the load balancer: with the canary's word before it has traffic, without one after.
# shellcheck source=terraform/release/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
only_for_a_release

revisions=()
for service in $SERVICES; do revisions+=(--revision "$service=$(revision "$service")"); done
"$release/smoke.sh" "$_BASE_URL" --http "http://${_BASE_URL#https://}" --canary "${_CANARY_KEY:-}" --providers "${_PROVIDERS:-}" \
  --patience "${_PATIENCE_SECONDS:-300}" ${_CA_FILE:+--cacert "$_CA_FILE"} ${_HTTP_URL:+--http "$_HTTP_URL"} "${revisions[@]}"
