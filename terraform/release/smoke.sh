#!/usr/bin/env bash
# Asks a running deployment, through whatever stands in front of it, for the things that break in production alone.
#   smoke.sh https://crm.example.com --http http://crm.example.com --providers "google facebook"
#   smoke.sh https://localhost:8443 --http http://localhost:8080 --cacert var/tls/ca.pem
# --canary KEY       asks the next release           --revision SERVICE=NAME  expects this revision to answer
# --patience SECONDS how long the first answer may take to come; a changed balancer needs minutes
set -euo pipefail

base=${1:?the public address, such as https://crm.example.com}; shift
http='' canary='' providers='' patience=10 revisions=() curl=(curl --silent --show-error --max-time 20)
while [ $# -gt 0 ]; do
  case $1 in
    --http) http=$2 ;;
    --cacert) curl+=(--cacert "$2") ;;
    --canary) canary=$2 ;;
    --providers) providers=$2 ;;
    --patience) patience=$2 ;;
    --revision) revisions+=("$2") ;;
    *) echo "unknown: $1" >&2; exit 2 ;;
  esac
  shift 2
done
[ -z "$canary" ] || curl+=(--header "X-Crm-Canary: $canary")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fine() { printf 'ok      %s\n' "$*"; }
wrong() { printf 'WRONG   %s\n' "$*"; failed=1; }

ask() { # PATH [CURL ARGUMENT...]: the status; head and body are in files
  local path=$1; shift
  : >"$work/head"; : >"$work/body"
  "${curl[@]}" --dump-header "$work/head" --output "$work/body" --write-out '%{http_code}' "$@" "$base$path" || true
}
header() { # NAME: its value in the last answer
  sed -n "s/^$1: *//Ip" "$work/head" | tr -d '\r' | head -1
}
decoded() { # percent-encoded text
  local text=${1//+/ }
  printf '%b' "${text//%/\\x}"
}

# Whether every service answers, as the revision that is expected. This alone is asked again: the first requests after a
# change of the balancer may still go the old way.
answers() { # SERVICE
  local service=$1 revision=
  for one in "${revisions[@]}"; do [ "${one%%=*}" != "$service" ] || revision=${one#*=}; done
  [ "$(ask "/health/$service")" = 200 ] && grep -q "\"service\":\"$service\"" "$work/body" &&
    { [ -z "$revision" ] || grep -q "\"revision\":\"$revision\"" "$work/body"; }
}
deadline=$(($(date +%s) + patience))
for service in auth customers images; do
  until answers "$service"; do
    [ "$(date +%s)" -lt "$deadline" ] || break
    sleep 2
  done
  if answers "$service"; then fine "/health/$service: $(cat "$work/body")"; else wrong "/health/$service: $(head -c 300 "$work/body") $(head -1 "$work/head")"; fi
done

expect() { # WHAT STATUS PATH [CURL ARGUMENT...]
  local what=$1 wanted=$2 got; shift 2
  got=$(ask "$@")
  if [ "$got" = "$wanted" ]; then fine "$what"; else wrong "$what: $1 answered $got and not $wanted"; fi
}

expect "a stranger is refused" 401 /customers
case $(header content-type) in application/problem+json*) fine "refusals are problems" ;; *) wrong "a refusal came as $(header content-type)" ;; esac
expect "nobody signs in with a wrong password" 401 /login --header 'Content-Type: application/json' --data '{"email":"nobody@example.invalid","password":"wrong"}'
expect "the keys that check tokens are published" 200 /.well-known/jwks.json
grep -q '"kid"' "$work/body" || wrong "the published keys hold no key"
expect "a picture without a signature is refused" 403 "/images/00000000000000000000000000000000/small"
expect "the static site is there" 200 /
case $(header content-type) in text/html*) fine "the static site is a page" ;; *) wrong "the static site came as $(header content-type)" ;; esac
case $base in
  https://localhost* | https://127.0.0.1*) ;;
  *) ask /health/auth >/dev/null
    case $(header strict-transport-security) in max-age=*) fine "HSTS is said" ;; *) wrong "HSTS is not said" ;; esac ;;
esac

# The fault that this product replaced: the address that the provider sends people back to, byte for byte.
for provider in $providers; do
  wanted=$base/login/$provider/callback
  got=$(ask "/login/$provider" --header 'Accept: text/html')
  location=$(header location)
  redirect_uri=$(decoded "$(sed -n 's/.*[?&]redirect_uri=\([^&]*\).*/\1/p' <<<"$location")")
  if [ "$got" = 303 ] && [ "$redirect_uri" = "$wanted" ]; then
    fine "$provider sends people back to $redirect_uri"
  else
    wrong "$provider would send people back to '$redirect_uri' and not to '$wanted' (status $got, Location: ${location%%\?*})"
  fi
done

if [ -n "$http" ]; then
  got=$("${curl[@]}" --output /dev/null --write-out '%{http_code} %{redirect_url}' "$http/customers?a=1" || true)
  case $got in
    "301 $base/customers?a=1" | "307 $base/customers?a=1" | "308 $base/customers?a=1") fine "plain HTTP leads to HTTPS" ;;
    *) wrong "plain HTTP answered '$got' and does not lead to $base" ;;
  esac
fi

[ $failed = 0 ] && echo "All is well at $base."
exit $failed
