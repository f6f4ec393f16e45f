//! The ways to the database that a deployment uses: TLS with an authority, and a Unix socket.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Output,
};
use tempfile::TempDir;
use tests::{
    Answer, Function, MariaDb, Process,
    database::{execute, fresh_mysql, fresh_on},
    plain,
};

/// Writes an authority to `NAME.pem`.
fn authority(folder: &Path, name: &str) -> Issuer<'static, KeyPair> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    Issuer::new(params, key)
}

/// A server whose certificate is for `db.example.com`, signed by the authority in `ours.pem`; `theirs.pem` is another.
async fn encrypted() -> (MariaDb, TempDir) {
    let folder = TempDir::new().unwrap();
    // The server may run as another user.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let ours = authority(folder.path(), "ours");
    authority(folder.path(), "theirs");
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["db.example.com".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &ours).unwrap();
    let files = [("cert", certificate.pem()), ("key", key.serialize_pem())];
    let options = files.map(|(name, pem)| {
        let file = folder.path().join(name);
        fs::write(&file, pem).unwrap();
        format!("--ssl-{name}={}", file.display())
    });
    (MariaDb::start(&options).await, folder)
}

/// What the customers function says about its health with this database.
async fn health(url: &str) -> Answer {
    let env = [("DATABASE_URL", url.to_owned())];
    let function = Function::start("customers", &env).await;
    Answer::of(plain(false).get(function.address("/health/customers"))).await
}

async fn migrate(url: &str) -> Output {
    let mut command = Process::command("admin");
    let command = command.arg("migrate").env("DATABASE_URL", url);
    command.output().await.unwrap()
}

#[tokio::test]
async fn a_database_is_spoken_to_through_tls_and_never_without_when_its_authority_is_named() {
    let (server, folder) = encrypted().await;
    let open = server.fresh().await;
    // Somebody whom the server lets in through TLS alone: whoever gets in has spoken TLS.
    for sql in [
        "CREATE USER careful@'127.0.0.1' REQUIRE SSL",
        "GRANT ALL ON *.* TO careful@'127.0.0.1'",
    ] {
        execute(&open, sql).await;
    }
    let careful = open.replacen("root@", "careful@", 1);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (ours, theirs) = (file("ours.pem"), file("theirs.pem"));

    let verified = format!("{careful}ssl-mode=VERIFY_CA&ssl-ca={ours}");
    let migrated = migrate(&verified).await;
    assert!(migrated.status.success(), "{migrated:?}");
    health(&verified).await.is(200);
    for unverified in ["", "ssl-mode=PREFERRED", "ssl-mode=REQUIRED"] {
        health(&format!("{careful}{unverified}")).await.is(200);
    }
    health(&format!("{careful}ssl-mode=DISABLED"))
        .await
        .problem(503, "unavailable");

    // The other user would be let in without TLS: a client that fell back to that would be served.
    health(&format!("{open}ssl-mode=DISABLED")).await.is(200);
    for (options, reason) in [
        (format!("VERIFY_CA&ssl-ca={theirs}"), "UnknownIssuer"),
        (format!("VERIFY_CA&ssl-ca={}", file("none")), "No such file"),
        ("VERIFY_CA".to_owned(), "UnknownIssuer"),
        (
            format!("VERIFY_IDENTITY&ssl-ca={ours}"),
            "not valid for name",
        ),
    ] {
        let url = format!("{open}ssl-mode={options}");
        let refused = health(&url).await;
        assert_ne!(refused.header("retry-after"), "", "{options}");
        refused.problem(503, "unavailable");
        let told = migrate(&url).await;
        let said = String::from_utf8(told.stderr).unwrap();
        assert!(!told.status.success() && said.contains(reason), "{said}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_by_whoever_asks_for_it() {
    let url = fresh_mysql().await.expect("TEST_MYSQL_URL");
    health(&url).await.is(200);
    for mode in ["REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"] {
        let url = format!("{url}ssl-mode={mode}");
        health(&url).await.problem(503, "unavailable");
        let told = migrate(&url).await;
        let said = String::from_utf8(told.stderr).unwrap();
        assert!(said.contains("does not support TLS"), "{said}");
    }
}

#[tokio::test]
async fn a_database_is_reached_by_the_unix_socket_that_cloud_run_mounts() {
    let server = MariaDb::start(&["--skip-networking".to_owned()]).await;
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("cloudsql/crm-prod:europe-west1:crm");
    fs::create_dir(socket.parent().unwrap()).unwrap();
    symlink(server.socket(), &socket).unwrap();
    let url = format!("mysql://root@localhost?socket={}", socket.display());
    let url = fresh_on(&url).await;
    let migrated = migrate(&url).await;
    assert!(migrated.status.success(), "{migrated:?}");
    health(&url).await.is(200);
    // The same as a strict encoder writes it; and a socket that is not there.
    let encoded = url
        .replace("/cloudsql/", "%2Fcloudsql%2F")
        .replace(":eur", "%3Aeur");
    assert!(encoded.contains("%3A"));
    health(&encoded).await.is(200);
    health(&url.replace("crm-prod", "crm-test"))
        .await
        .problem(503, "unavailable");
}
