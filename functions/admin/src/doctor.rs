//! `doctor`: looks at everything that a deployment needs, and says what is wrong and what to do.

use anyhow::{Context as _, anyhow};
use console::{Color, Term, style};
use images::Bucket;
use reqwest::{Certificate, Client, redirect::Policy};
use serde_json::Value;
use shared::{
    config::{Env, PublicUrl},
    customer::erased,
    db::{DatabaseConfig, Db},
    image_url::ImageUrls,
    privacy::PrivacyKey,
    server,
    token::VerifyingKeys,
};
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

/// How long one request to the public address may take: a cold start fits in.
const PATIENCE: Duration = Duration::from_secs(10);
/// What answers at the public address.
const SERVICES: [&str; 3] = ["auth", "customers", "images"];
/// What the column of the checks' names takes.
const WIDTH: usize = 15;

/// What was found out. Nothing is changed.
///
/// # Errors
/// How many faults there are.
pub(crate) async fn examine(ca: Option<&Path>) -> anyhow::Result<()> {
    let mut report = Report::default();
    let env = || Env::of_process();
    let common = configuration(&mut report, env());
    database(&mut report, env(), env()).await;
    bucket(&mut report, env()).await;
    keys(&mut report, env(), common.as_ref());
    let public = {
        let mut env = env();
        let public = env.required("PUBLIC_BASE_URL", PublicUrl::parse);
        env.finish(public).ok()
    };
    if let Some(public) = &public {
        let keys = common.as_ref().map(|common| &common.verifying_keys);
        public_address(&mut report, public, keys, ca).await;
        redirect_uris(&mut report, env(), public);
    }
    let told = match (report.faults, report.notes) {
        (0, 0) => "\n  All is well.",
        (0, _) => "\n  All is well, but for what is noted.",
        (1, _) => return Err(anyhow!("one fault was found")),
        (faults, _) => return Err(anyhow!("{faults} faults were found")),
    };
    let _ = Term::stdout().write_line(told);
    Ok(())
}

/// Prints one line a check as it is made, and counts what is wrong.
#[derive(Debug, Default)]
struct Report {
    faults: usize,
    notes: usize,
}

impl Report {
    fn good(&mut self, check: &str, told: &str) {
        line("ok", Color::Green, check, told);
    }

    fn note(&mut self, check: &str, told: &str) {
        self.notes += 1;
        line("note", Color::Yellow, check, told);
    }

    fn fault(&mut self, check: &str, told: &str) {
        self.faults += 1;
        line("FAULT", Color::Red, check, told);
    }
}

/// One check's line; further lines of what is told stand below its first.
fn line(verdict: &str, colour: Color, check: &str, told: &str) {
    let out = Term::stdout();
    let indent = WIDTH + 10;
    let told = match out.size_checked() {
        Some((_, columns)) => folded(told, usize::from(columns).saturating_sub(indent)),
        None => told.to_owned(),
    };
    let told = told.replace('\n', &format!("\n{:indent$}", ""));
    let verdict = style(format!("{verdict:<6}")).fg(colour);
    // Nobody has to read it to its end.
    let _ = out.write_line(&format!("  {verdict}  {check:<WIDTH$}{told}"));
}

/// The same in lines of so many characters, where words allow it.
fn folded(text: &str, width: usize) -> String {
    let fold = |line: &str| {
        line.split(' ').fold(String::new(), |lines, word| {
            let last = lines
                .rsplit('\n')
                .next()
                .map_or(0, |last| last.chars().count());
            let gap = match last {
                0 => "",
                last if last + 1 + word.chars().count() > width => "\n",
                _ => " ",
            };
            lines + gap + word
        })
    };
    text.lines().map(fold).collect::<Vec<_>>().join("\n")
}

fn configuration(report: &mut Report, mut env: Env) -> Option<server::Config> {
    let common = server::Config::read(&mut env);
    let public = common.as_ref().map(|common| &common.public);
    let image_urls = ImageUrls::read(&mut env, public);
    let privacy = PrivacyKey::read(&mut env);
    let bucket = Bucket::read(&mut env);
    let providers = auth::Config::check(&mut env, public);
    let own = image_urls.and(privacy).and(bucket).and(providers);
    let own = own.map(drop);
    match env.finish(common.zip(own)) {
        Ok((common, ())) => {
            report.good("configuration", "what is set can be used");
            Some(common)
        }
        Err(mistakes) => {
            report.fault("configuration", &format!("{mistakes:#}"));
            None
        }
    }
}

async fn database(report: &mut Report, mut env: Env, privacy: Env) {
    let config = DatabaseConfig::read(&mut env);
    let Ok(config) = env.finish(config) else {
        return report.note("database", "not looked at: see configuration");
    };
    let db = Db::open(&config);
    match db.describe().await {
        Ok(told) => report.good("database", &told),
        Err(error) => {
            return report.fault("database", &format!("does not answer: {error}"));
        }
    }
    match (db.schema_version().await, db.known_schema_version()) {
        (0, known) => report.fault(
            "schema",
            &format!("there is none, of {known}: run `admin migrate`"),
        ),
        (is, known) if is < known => {
            report.fault("schema", &format!("{is} of {known}: run `admin migrate`"));
        }
        (is, known) if is > known => report.note(
            "schema",
            &format!("{is}, and this program knows {known}: it is older than the database"),
        ),
        (is, known) => {
            report.good("schema", &format!("{is} of {known}"));
            users(report, &db).await;
            recognised(report, &db, privacy).await;
        }
    }
    db.close().await;
}

async fn users(report: &mut Report, db: &Db) {
    match auth::users::any(db).await {
        Ok(true) => report.good("users", "somebody can sign in"),
        Ok(false) => report.note(
            "users",
            "there are none: run `admin create-user EMAIL --role admin`",
        ),
        Err(error) => report.fault("users", &error.to_string()),
    }
}

/// Whether the addresses of erased customers are recognised.
async fn recognised(report: &mut Report, db: &Db, mut env: Env) {
    let privacy = PrivacyKey::read(&mut env);
    let Ok(privacy) = env.finish(privacy) else {
        return report.note("erased", "not looked at: see configuration");
    };
    match erased::count_unrecognised(db, &privacy).await {
        Ok(0) => report.good("erased", "every address that was erased is recognised"),
        Ok(count) => report.note(
            "erased",
            &format!(
                "{count} addresses were erased under another PRIVACY_KEY and are not recognised:\n\
                 give the services that key back, if it is not lost"
            ),
        ),
        Err(error) => report.fault("erased", &error.to_string()),
    }
}

async fn bucket(report: &mut Report, mut env: Env) {
    let bucket = Bucket::read(&mut env);
    let Ok(bucket) = env.finish(bucket) else {
        return report.note("pictures", "not looked at: see configuration");
    };
    match bucket.check().await {
        Ok(()) => report.good("pictures", "their storage answers"),
        Err(error) => report.fault(
            "pictures",
            &format!("their storage cannot be used: {error}"),
        ),
    }
}

fn keys(report: &mut Report, mut env: Env, common: Option<&server::Config>) {
    let kid = auth::keys::signing_kid(&mut env);
    match (env.finish(kid), common) {
        (Err(mistakes), _) => report.fault("keys", &format!("{mistakes:#}")),
        (Ok(None), _) => report.note("keys", "SIGNING_KEYS is not given here and not compared"),
        (Ok(Some(_)), None) => report.note("keys", "not compared: see configuration"),
        (Ok(Some(kid)), Some(common)) => match common.verifying_keys.contains(&kid) {
            true => report.good(
                "keys",
                &format!("tokens are signed with {kid}, which VERIFYING_KEYS holds"),
            ),
            false => report.fault(
                "keys",
                &format!(
                    "tokens are signed with {kid}, which VERIFYING_KEYS does not hold:\n\
                     publish a key first, sign with it later (`admin keys rotate`)"
                ),
            ),
        },
    }
}

async fn public_address(
    report: &mut Report,
    public: &PublicUrl,
    keys: Option<&VerifyingKeys>,
    ca: Option<&Path>,
) {
    let client = match client(ca) {
        Ok(client) => client,
        Err(error) => return report.fault("address", &format!("{error:#}")),
    };
    for service in SERVICES {
        let address = public.join(&format!("/health/{service}"));
        match ask(&client, &address).await {
            Ok(answer) if answer["service"] == service => {
                let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
                let told = format!(
                    "{address} answers, {} ({})",
                    text("version"),
                    text("revision")
                );
                report.good(service, &told);
            }
            Ok(_) => report.fault(service, &format!("{address} is answered by something else")),
            Err(error) => report.fault(service, &format!("{address}: {error:#}")),
        }
    }
    let Some(keys) = keys else { return };
    let address = public.join("/.well-known/jwks.json");
    let wanted = serde_json::to_value(keys.published()).unwrap_or_default();
    match ask(&client, &address).await {
        Ok(published) if kids(&published) == kids(&wanted) => {
            report.good("published", "the keys at the public address are those of VERIFYING_KEYS");
        }
        Ok(_) => report.fault(
            "published",
            &format!("{address} publishes other keys than VERIFYING_KEYS holds:\ndeploy the same set to every service"),
        ),
        Err(error) => report.fault("published", &format!("{address}: {error:#}")),
    }
}

fn client(ca: Option<&Path>) -> anyhow::Result<Client> {
    shared::tls::use_ring();
    let mut builder = Client::builder().timeout(PATIENCE).redirect(Policy::none());
    if let Some(ca) = ca {
        let pem = fs::read(ca).with_context(|| format!("{} cannot be read", ca.display()))?;
        let ca = Certificate::from_pem(&pem)
            .with_context(|| format!("{} holds no certificate", ca.display()))?;
        builder = builder.tls_certs_merge([ca]);
    }
    Ok(builder.build()?)
}

async fn ask(client: &Client, address: &str) -> anyhow::Result<Value> {
    let answer = client.get(address).send().await?.error_for_status()?;
    answer.json().await.context("the answer is not JSON")
}

fn kids(set: &Value) -> BTreeSet<&str> {
    let keys = set["keys"].as_array().into_iter().flatten();
    keys.filter_map(|key| key["kid"].as_str()).collect()
}

fn redirect_uris(report: &mut Report, mut env: Env, public: &PublicUrl) {
    let configured = auth::Config::check(&mut env, Some(public)).unwrap_or_default();
    for (provider, uri) in auth::redirect_uris(public) {
        match configured.contains(&provider) {
            true => report.good(
                provider,
                &format!("register exactly this redirect URI: {uri}"),
            ),
            false => report.note(
                provider,
                &format!("not configured; its redirect URI would be {uri}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_folded_at_words() {
        assert_eq!(folded("one two three", 7), "one two\nthree");
        assert_eq!(
            folded("https://a.very.long/address b\nc", 5),
            "https://a.very.long/address\nb\nc"
        );
        assert_eq!(folded("", 5), "");
    }
}
