//! Starting the product: folder, keys, schema, the first administrator, the gateway, and what is printed.

use crate::{
    Place,
    data::DataFolder,
    gateway::{self, Backend, Gateway, Ports},
    routes::Routes,
    site, tls,
};
use anyhow::{Context as _, anyhow};
use auth::{NewUser, Passwords};
use shared::{
    config::{Env, PublicUrl, text},
    customer::search,
    db::Db,
    server::{self, Context, Shutdown, surrounded, with_health},
    token::Role,
};
use std::{
    io::{self, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{pin, select, time::sleep};
use tokio_rustls::TlsAcceptor;

/// How long somebody waits at the start before they are told for what.
const PATIENCE: Duration = Duration::from_secs(2);

/// The first administrator, if there has to be one.
struct FirstAdmin {
    email: String,
    password: Option<String>,
}

/// Runs until told to stop.
pub(crate) async fn run(place: Place) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signal()?;
    let data = DataFolder::open(&place.data)?;
    let ports = Ports::open(&place).await?;

    let mut env = Env::of_process();
    env.set_default(
        "PUBLIC_BASE_URL",
        format!("https://localhost:{}", ports.address.port()),
    );
    env.set_default("CLIENT_IP_HEADER", gateway::CLIENT_IP.as_str());
    env.set_default("DATABASE_MAX_CONNECTIONS", "8");
    data.set_defaults(&mut env)?;
    let common = server::Config::read(&mut env);
    let auth = auth::Config::read(&mut env, common.as_ref());
    let customers = customers::Config::read(&mut env, common.as_ref());
    let images = images::Config::read(&mut env, common.as_ref());
    let first = FirstAdmin {
        email: env
            .or("ADMIN_EMAIL", "admin@example.com".to_owned(), text)
            .unwrap_or_default(),
        password: env.optional("ADMIN_PASSWORD", text),
    };
    let config = (|| Some((common?, auth?, customers?, images?)))();
    let (common, auth, customers, images) = env.finish(config)?;
    let telemetry = common.telemetry.clone().start("local")?;

    let context = Context::open(&common);
    let db = context.db.clone();
    db.migrate()
        .await
        .context("the database's schema cannot be brought up to date")?;
    index(&db).await.context("customers cannot be indexed")?;
    let service = |name, router| {
        let router = with_health(router, name, &common, &db);
        Backend::Here(surrounded(
            router,
            &common.public,
            &common.cors_origins,
            &telemetry,
        ))
    };
    let gateway = Gateway {
        routes: Arc::new(Routes::embedded()),
        auth: service("auth", auth::router(auth, context.clone())),
        customers: service("customers", customers::router(customers, context.clone())),
        images: service("images", images::router(images, context.clone())),
        site: Backend::Here(surrounded(site::router(), &common.public, &[], &telemetry)),
    };
    let tls = TlsAcceptor::from(tls::server_config(&data)?);
    let password = first.create_if_alone(&db).await?;
    let greeting = greeting(
        &data,
        &common.public,
        ports.http_port,
        &first.email,
        password.as_deref(),
    );
    // Nobody has to be there to read it.
    let _ = say(&greeting);
    gateway.serve(ports, tls, common.public, &shutdown).await;
    db.close().await;
    Ok(())
}

/// Indexes customers that an older version wrote, and says so when it takes long.
async fn index(db: &Db) -> anyhow::Result<()> {
    let indexing = search::index_missing(db);
    pin!(indexing);
    select! {
        done = &mut indexing => return Ok(done.map(drop)?),
        () = sleep(PATIENCE) => {}
    }
    let _ = say(
        "\n  Customers of an older version are being indexed for search; with very many this takes minutes.\n",
    );
    Ok(indexing.await.map(drop)?)
}

impl FirstAdmin {
    /// Makes the administrator in a database without users, once the password has been said; gives the password.
    async fn create_if_alone(&self, db: &Db) -> anyhow::Result<Option<String>> {
        if auth::users::any(db).await? {
            return Ok(None);
        }
        let password = self.password.clone().unwrap_or_else(auth::random_password);
        let new = NewUser::parse(&self.email, Role::Admin, Some(&password))
            .map_err(|reason| anyhow!("ADMIN_EMAIL or ADMIN_PASSWORD: {reason}"))?;
        // Said first: a password that is kept and was never seen locks everybody out.
        let said = format!(
            "\n  The first administrator, shown this once:\n\n    E-mail    {}\n    Password  {password}\n",
            self.email
        );
        say(&said).context("the first administrator's password cannot be shown")?;
        auth::users::create(db, &Passwords::new(), new).await?;
        Ok(Some(password))
    }
}

/// Writes to standard output, at once.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// What somebody reads who has just started it.
fn greeting(
    data: &DataFolder,
    public: &PublicUrl,
    http: u16,
    email: &str,
    password: Option<&str>,
) -> String {
    let (version, public, ca) = (
        env!("CARGO_PKG_VERSION"),
        public.as_str(),
        data.shown(tls::CA_FILE),
    );
    let folder = data.shown("");
    let (folder, ca_shown, ca) = (folder.display(), ca.display(), quoted(&ca));
    let sign_in = match password {
        Some(_) => "",
        None => {
            "\n  Sign in with the account that you have. Lost its password? README.md, \"Run it\", has the way back.\n"
        }
    };
    let shown = password.unwrap_or("YOUR-PASSWORD");
    let body = format!(r#"{{"email":"{email}","password":"{shown}"}}"#).replace('\'', r"'\''");
    format!(
        "
  CRM {version} is running.

    Address   {public}  (http://localhost:{http} leads there)
    Sign in   {public}/signin
    API       {public}/docs
    Data      {folder}  (database, pictures, keys, certificate)
    CA        {ca_shown}  (trust it in your browser, or accept its warning)
{sign_in}
  Try it from another terminal:

    curl --cacert {ca} {public}/login --json '{body}'

  Stop it with Ctrl-C.

"
    )
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let odd = |c: char| c.is_whitespace() || "'\"$\\`&;()<>|*?!#~".contains(c);
    match path.to_string_lossy() {
        plain if !plain.contains(odd) => plain.into_owned(),
        text => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
