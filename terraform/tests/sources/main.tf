# What the programs' own sources say, for the tests to hold the deployment against.

locals {
  root = "${path.module}/../../.."

  crates = {
    auth      = "functions/auth/src"
    customers = "functions/customers/src"
    images    = "functions/images/src"
    admin     = "functions/admin/src"
    local     = "functions/local/src"
    shared    = "shared/src"
  }
  sources = { for crate, folder in local.crates : crate => join("\n", [
    for file in sort(fileset(local.root, "${folder}/**/*.rs")) : split("#[cfg(test)]", file("${local.root}/${file}"))[0]
  ]) }

  # `.get("/customers/{id}", …)` of a table of routes.
  routes = { for service in ["auth", "customers", "images"] : service => distinct(concat(
    [for found in regexall("\\.(?:get|post|put|patch|delete)\\(\\s*\"(/[^\"]+)\"", local.sources[service]) : found[0]],
    ["/health/${service}"],
  )) }

  # `env.required("PORT", …)`, and every other text that can only be the name of a variable.
  names = { for crate, text in local.sources : crate => distinct(concat(
    [for found in regexall("env\\s*\\.(?:required|optional|or)\\(\\s*\"([A-Z][A-Z0-9_]*)\"", text) : found[0]],
    [for found in regexall("\"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\"", text) : found[0] if !startswith(found[0], "CARGO_")],
  )) }

  # The path at which a provider ends its sign-in, as auth makes the redirect URI from it.
  callbacks = [for found in regexall("\"(?:\\{\\})?/login/\\{[a-z_]*\\}/callback\"", local.sources["auth"]) : found]

  # `| `PORT` | all | where to listen |` of the README's table.
  rows = regexall("(?m)^\\| (`[A-Z][^|]*`) \\| ([^|]+) \\|", file("${local.root}/README.md"))
  readme = merge([for row in local.rows : {
    for name in regexall("`([A-Z][A-Z0-9_]+)`", row[0]) : name[0] => [for service in split(",", row[1]) : trimspace(service)]
  }]...)

  # `("referrer-policy", "same-origin"),` of the table of the site's headers.
  site        = file("${local.root}/functions/local/src/site.rs")
  site_table  = regex("const HEADERS: \\[[^\\]]*\\] = \\[((?s:.*?))\\n\\];", local.site)[0]
  site_header = regexall("\\(\\s*\"([a-z-]+)\",\\s*\"((?:[^\"\\\\]|\\\\\\n\\s*)+)\",?\\s*\\)", local.site_table)
}

output "routes" {
  description = "Service => the paths that its router answers."
  value       = local.routes
}

output "names" {
  description = "Crate => the variables that it reads."
  value       = local.names
}

output "left_to_the_program" {
  description = "Variables that the deployment does not set, and why."
  value = {
    PORT                      = "Cloud Run sets it"
    K_REVISION                = "Cloud Run sets it"
    TOKIO_WORKER_THREADS      = "as many as processors is right"
    IMAGES_DIR                = "pictures are in a bucket"
    STORAGE_ENDPOINT          = "there is no emulator"
    ADMIN_EMAIL               = "only the all-in-one makes an administrator at its start"
    ADMIN_PASSWORD            = "only the all-in-one makes an administrator at its start"
    GOOGLE_DISCOVERY_URL      = "the program knows Google's"
    FACEBOOK_AUTHORIZE_URL    = "the program knows Facebook's"
    FACEBOOK_ACCESS_TOKEN_URL = "the program knows Facebook's"
    FACEBOOK_USER_INFO_URL    = "the program knows Facebook's"
  }
}

output "callbacks" {
  description = "How auth writes the path of a provider's callback."
  value       = local.callbacks
}

output "readme" {
  description = "Variable => the services that read it, as the README says."
  value       = local.readme
}

output "site_headers" {
  description = "What `local` says of every file of the site, such as `referrer-policy: same-origin`."
  value       = [for header in local.site_header : "${header[0]}: ${replace(header[1], "/\\\\\\n\\s*/", "")}"]
}

output "site_freshness" {
  description = "For how long browsers may keep a file of the site: most files, and those whose folder has a version."
  value       = [for found in regexall("const (?:FRESH|FOR_EVER): &str = \"([^\"]+)\"", local.site) : found[0]]
}

output "site_release" {
  description = "The step of a release that fills the bucket."
  value       = file("${local.root}/terraform/release/site.sh")
}

output "operations" {
  description = "The sections of docs/operations.md."
  value       = [for found in regexall("(?m)^### `([a-z-]+)`", try(file("${local.root}/docs/operations.md"), "")) : found[0]]
}

output "release_scripts" {
  description = "cloudbuild.yaml, decoded."
  value       = try(yamldecode(file("${local.root}/cloudbuild.yaml")), null)
}

output "configuration" {
  description = "The text of the deployment itself, without comments."
  value = join("\n", [
    for file in sort(fileset("${local.root}/terraform", "*.tf")) : replace(file("${local.root}/terraform/${file}"), "/(?m)^\\s*#.*$/", "")
  ])
}

output "drain_seconds" {
  description = "How long a service takes at most to finish what it began."
  value       = tonumber(regex("DRAIN: Duration = Duration::from_secs\\(([0-9]+)\\)", local.sources["shared"])[0])
}
