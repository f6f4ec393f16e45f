#!/usr/bin/env bash
# Builds the four programs' images, pushes them, and notes their digests. Compiled dependencies are kept in the registry.
# shellcheck source=terraform/release/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

host=$_REGION-docker.pkg.dev/$PROJECT_ID
cache=$host/crm-cache/build:latest
docker buildx create --name crm --driver docker-container --use

: >"$NOTES/digests"
for program in auth customers images admin; do
  tag=$host/crm/$program:$_TAG
  keep=()
  # The stages that compile are the same for all four: kept once is enough.
  [ "$program" = auth ] && keep=(--cache-to "type=registry,ref=$cache,mode=max")
  docker buildx build --file functions/Dockerfile --target "$program" --tag "$tag" --load \
    --cache-from "type=registry,ref=$cache" "${keep[@]}" .
  # Pushed now, for the next steps run it; named under `images` as well, for only those get a provenance.
  docker push --quiet "$tag"
  pushed=$(docker image inspect --format '{{index .RepoDigests 0}}' "$tag")
  printf '%s %s\n' "$program" "$pushed" >>"$NOTES/digests"
done

say "The images, for terraform.tfvars where they are wanted there:"
say "images = {"
while read -r program image; do say "  $program = \"$image\""; done <"$NOTES/digests"
say "}"
