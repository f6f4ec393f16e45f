# What an operator needs to know after an apply.

output "public_base_url" {
  description = "Where people reach the product."
  value       = local.public_base_url
}

output "oauth_redirect_uris" {
  description = "Register exactly these with Google and Facebook, not a slash more."
  value       = local.oauth_redirect_uris
}

output "oauth_javascript_origins" {
  description = "Register these as authorised JavaScript origins, if the provider asks for any."
  value       = [local.public_base_url]
}

output "dns_records" {
  description = "Set these where the domain's DNS is kept. The certificate's record may be set long before the other."
  value = { for domain in local.domains : domain => {
    address     = { name = "${domain}.", type = "A", data = google_compute_global_address.crm.address }
    certificate = one([for record in google_certificate_manager_dns_authorization.crm[domain].dns_resource_record : { name = record.name, type = record.type, data = record.data }])
  } }
}

output "database_connections" {
  description = "The arithmetic of connections: what the services may open at worst, what is reserved, what the server takes."
  value = {
    services = { for name, service in var.services : name => "${service.max_instances} instances x ${service.connections} = ${service.max_instances * service.connections}" }
    at_worst = sum([for service in values(var.services) : service.max_instances * service.connections])
    reserved = var.reserved_connections
    limit    = var.database.max_connections
    spare    = var.database.max_connections - var.reserved_connections - sum([for service in values(var.services) : service.max_instances * service.connections])
  }
}

output "buckets" {
  description = "Where pictures and the static site are kept."
  value       = { pictures = google_storage_bucket.pictures.name, site = google_storage_bucket.site.name }
}

output "service_accounts" {
  description = "As whom each program runs."
  value       = { for program, account in google_service_account.crm : program => account.email }
}

output "release_substitutions" {
  description = "What cloudbuild.yaml wants to be told when a build is started by hand."
  value       = join(",", [for name, value in local.release_substitutions : "${name}=${value}"])
}
