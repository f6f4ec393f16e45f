# A deployment as an operator would describe it; every test begins with it.

project_id         = "crm-example"
region             = "europe-west1"
domain             = "crm.example.com"
alert_email        = "operations@example.com"
release_id         = "0a1b2c3"
canary_key         = "canary-4711"
google_client_id   = "4711-abc.apps.googleusercontent.com"
facebook_client_id = "123456789012345"
database_password  = "not-a-password-but-long-enough"

secret_versions = {
  signing-keys           = 1
  verifying-keys         = 1
  refresh-key            = 1
  image-url-keys         = 3
  privacy-key            = 1
  google-client-secret   = 2
  facebook-client-secret = 1
}

images = {
  auth      = "europe-west1-docker.pkg.dev/crm-example/crm/auth@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  customers = "europe-west1-docker.pkg.dev/crm-example/crm/customers@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  images    = "europe-west1-docker.pkg.dev/crm-example/crm/images@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
  admin     = "europe-west1-docker.pkg.dev/crm-example/crm/admin@sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
}
