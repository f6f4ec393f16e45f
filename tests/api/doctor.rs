//! `admin doctor`: a healthy deployment, and each thing that can be wrong with one.

use tests::{Process, Product, database::fresh_mysql};

/// A product, and what its services have in their environment.
struct Patient {
    product: Product,
    env: Vec<(&'static str, String)>,
}

impl Patient {
    async fn start() -> Self {
        let product = Product::start().await;
        let mut env: Vec<_> = [
            "SIGNING_KEYS",
            "VERIFYING_KEYS",
            "REFRESH_KEY",
            "IMAGE_URL_KEYS",
            "PRIVACY_KEY",
        ]
        .map(|name| (name, product.key(name)))
        .into();
        env.extend([
            ("PUBLIC_BASE_URL", product.base.clone()),
            ("DATABASE_URL", product.database_url()),
        ]);
        env.extend(product.pictures().env());
        Self { product, env }
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.to_owned()));
    }

    /// Whether nothing is wrong, and what is said.
    async fn examine(&self) -> (bool, String) {
        let mut command = Process::command("admin");
        command
            .args(["doctor", "--ca"])
            .arg(self.product.data("tls/ca.pem"))
            .env_remove("DATABASE_URL")
            .envs(self.env.iter().map(|(name, value)| (*name, value)));
        let output = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.success(),
            text(output.stdout) + &text(output.stderr),
        )
    }

    /// The line of one check.
    async fn line(&self, check: &str) -> String {
        let (_, said) = self.examine().await;
        let line = said
            .lines()
            .find(|line| line.contains(&format!("  {check} ")));
        line.unwrap_or_else(|| panic!("{check} is not in {said}"))
            .to_owned()
    }
}

#[tokio::test]
async fn a_healthy_deployment_is_found_healthy() {
    let mut patient = Patient::start().await;
    patient.set("GOOGLE_CLIENT_ID", "me");
    patient.set("GOOGLE_CLIENT_SECRET", "canary");
    let (well, said) = patient.examine().await;
    assert!(well, "{said}");
    let base = &patient.product.base;
    for told in [
        "ok      configuration",
        "ok      database",
        "ok      users",
        "ok      pictures",
        "ok      keys",
        "ok      published",
        &format!("ok      auth           {base}/health/auth answers"),
        &format!("ok      customers      {base}/health/customers answers"),
        &format!("ok      images         {base}/health/images answers"),
        &format!(
            "ok      google         register exactly this redirect URI: {base}/login/google/callback\n"
        ),
        &format!(
            "note    facebook       not configured; its redirect URI would be {base}/login/facebook/callback\n"
        ),
    ] {
        assert!(said.contains(told), "{told} is not in {said}");
    }
    let schema = said
        .lines()
        .find_map(|line| line.split_once("ok      schema         "));
    let (is, known) = schema.unwrap().1.split_once(" of ").unwrap();
    assert_eq!(is, known, "{said}");
    assert!(
        !said.contains("FAULT") && !said.contains("canary"),
        "{said}"
    );
    for key in [
        "SIGNING_KEYS",
        "REFRESH_KEY",
        "IMAGE_URL_KEYS",
        "PRIVACY_KEY",
    ] {
        assert!(
            !said.contains(&patient.product.key(key)),
            "a key is printed"
        );
    }
}

#[tokio::test]
async fn every_fault_is_named_with_what_to_do() {
    let mut patient = Patient::start().await;
    let healthy = patient.env.clone();
    let other = Process::output("admin", &["keys", "generate"], &[], "").await;
    let other = |name: &str| {
        let line = other
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap().trim_matches('\'').to_owned()
    };
    let nobody = "mysql://nobody@127.0.0.1:9/crm";
    for (name, value, check, told) in [
        (
            "DATABASE_URL",
            nobody.to_owned(),
            "database",
            "does not answer",
        ),
        (
            "DATABASE_URL",
            "postgres://a".to_owned(),
            "configuration",
            "not usable",
        ),
        (
            "IMAGES_DIR",
            "/proc/nowhere".to_owned(),
            "configuration",
            "not usable",
        ),
        (
            "SIGNING_KEYS",
            other("SIGNING_KEYS"),
            "keys",
            "VERIFYING_KEYS does not hold",
        ),
        (
            "VERIFYING_KEYS",
            other("VERIFYING_KEYS"),
            "published",
            "other keys",
        ),
        (
            "PUBLIC_BASE_URL",
            "https://localhost:9".to_owned(),
            "auth",
            "https://localhost:9/health/auth",
        ),
        (
            "GOOGLE_CLIENT_ID",
            "me".to_owned(),
            "configuration",
            "not usable",
        ),
        (
            "IMAGE_URL_KEYS",
            "no key".to_owned(),
            "configuration",
            "not usable",
        ),
        (
            "PRIVACY_KEY",
            "no key".to_owned(),
            "configuration",
            "not usable",
        ),
        (
            "REFRESH_KEY",
            "no key".to_owned(),
            "configuration",
            "not usable",
        ),
        (
            "RETURN_TO",
            "//evil.example.com".to_owned(),
            "configuration",
            "not usable",
        ),
        (
            "CLIENT_IP_HEADER",
            "no header".to_owned(),
            "configuration",
            "not usable",
        ),
    ] {
        patient.env.clone_from(&healthy);
        patient.set(name, &value);
        let line = patient.line(check).await;
        assert!(
            line.contains("FAULT") && line.contains(told),
            "{name}: {line}"
        );
        assert!(
            !patient.examine().await.0,
            "{name}: it must end with a failure"
        );
    }
}

#[tokio::test]
async fn a_database_without_its_schema_or_users_is_told() {
    let mut patient = Patient::start().await;
    let folder = tempfile::TempDir::new().unwrap();
    let empty = match fresh_mysql().await {
        Some(url) => url,
        None => format!("sqlite://{}", folder.path().join("crm.db").display()),
    };
    patient.set("DATABASE_URL", &empty);
    let line = patient.line("schema").await;
    assert!(
        line.contains("FAULT") && line.contains("admin migrate"),
        "{line}"
    );
    Process::output("admin", &["migrate"], &[("DATABASE_URL", empty)], "").await;
    let line = patient.line("schema").await;
    assert!(line.contains("ok"), "{line}");
    let line = patient.line("users").await;
    assert!(
        line.contains("note") && line.contains("admin create-user"),
        "{line}"
    );
}

#[tokio::test]
async fn a_private_key_need_not_be_known_to_the_doctor() {
    let mut patient = Patient::start().await;
    patient
        .env
        .retain(|(name, _)| !matches!(*name, "SIGNING_KEYS" | "REFRESH_KEY"));
    let (well, said) = patient.examine().await;
    assert!(well && said.contains("note    keys"), "{said}");
}

#[tokio::test]
async fn an_address_whose_certificate_nobody_vouches_for_is_a_fault() {
    let patient = Patient::start().await;
    let mut command = Process::command("admin");
    command
        .arg("doctor")
        .envs(patient.env.iter().map(|(name, value)| (*name, value)));
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    let line = said.lines().find(|line| line.contains("  auth ")).unwrap();
    assert!(
        line.contains("FAULT") && line.to_lowercase().contains("certificate"),
        "{line}"
    );
}

#[tokio::test]
async fn addresses_that_were_erased_under_another_key_are_told_of() {
    let mut patient = Patient::start().await;
    let admin = patient.product.admin().await;
    admin.customer("ada@example.com").await;
    let nothing = serde_json::json!({});
    admin.post("/customers/1/erase", nothing).await.is(200);
    let (well, said) = patient.examine().await;
    assert!(
        well && said.contains("ok      erased         every address"),
        "{said}"
    );
    let other = Process::output("admin", &["keys", "generate"], &[], "").await;
    let other = other
        .lines()
        .find_map(|line| line.strip_prefix("PRIVACY_KEY='"));
    patient.set("PRIVACY_KEY", other.unwrap().trim_end_matches('\''));
    let (well, said) = patient.examine().await;
    assert!(
        well && said.contains("note    erased         1 addresses"),
        "{said}"
    );
}
