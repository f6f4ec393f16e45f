//! A hundred uploads at once of the worst pictures that are accepted, to one instance of `images` in a cgroup of the
//! memory that it has on Cloud Run. Whoever is told to come again does, until all have their picture.
//!
//! `tests/bench-uploads` builds the function as it is deployed, and calls this with the folder that it is in. With `once`
//! behind it nobody comes again: enough to see what is held at most.

mod cgroup;
mod worst;

use anyhow::{Context as _, ensure};
use cgroup::Cgroup;
use std::{
    collections::BTreeMap,
    env,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tests::{Answer, Options, PASSWORD, Process, Product, photo::png, plain};
use tokio::{process::Command, task::JoinSet, time::sleep};

/// What an instance has, in MiB (terraform/capacity.tf).
const MEMORY: u64 = 512;
const UPLOADS: usize = 100;
/// How long all of them together may take.
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = env::args().nth(1).context("names no folder of programs")?;
    let once = env::args().nth(2).is_some_and(|word| word == "once");
    let product = Product::services(1, Options::default()).await;
    let admin = product.admin().await;
    for number in 0..UPLOADS {
        admin.customer(&format!("c{number}@example.com")).await;
    }
    println!("{UPLOADS} uploads at once to one instance of {MEMORY} MiB, as often as it says 503");
    println!(
        "picture                          MiB sent  first answers        to the end   peak MiB  CPU s  idle MiB"
    );
    let emails: Vec<_> = (0..UPLOADS / 2)
        .map(|n| format!("u{n}@example.com"))
        .collect();
    for email in &emails {
        product.user(email).await;
    }
    for (name, pictures) in worst::kinds() {
        // Signed in anew: a token is good for ten minutes, and a kind may take as long.
        let mut tokens = Vec::new();
        for email in &emails {
            let user = product.anyone().signed_in(email, PASSWORD).await;
            tokens.push(user.token.context("signed in")?);
        }
        let instance = Instance::start(Path::new(&folder), &product, tokens).await?;
        instance.measure(name, &pictures, once).await?;
    }
    Ok(())
}

/// One instance of `images`, as it is deployed.
struct Instance {
    process: Process,
    cgroup: Cgroup,
    base: String,
    /// Of as many users as it takes for all to upload at once.
    tokens: Vec<String>,
}

impl Instance {
    async fn start(folder: &Path, product: &Product, tokens: Vec<String>) -> anyhow::Result<Self> {
        let cgroup = Cgroup::make(MEMORY)?;
        let mut command = Command::new("sh");
        command
            .args(["-c", cgroup.enter(), "sh"])
            .arg(folder.join("images"))
            .env("PORT", "0")
            .env("PUBLIC_BASE_URL", &product.base)
            .env("DATABASE_URL", product.database_url())
            .env("LOG_FORMAT", "stackdriver")
            .envs(product.pictures().env())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in ["VERIFYING_KEYS", "IMAGE_URL_KEYS", "PRIVACY_KEY"] {
            command.env(name, product.key(name));
        }
        let process = Process::start(command, "listening").await;
        Ok(Self {
            base: process.address(),
            tokens,
            process,
            cgroup,
        })
    }

    /// Uploads a picture of each kind in turn to every customer, all at once.
    async fn measure(&self, name: &str, pictures: &[Vec<u8>], once: bool) -> anyhow::Result<()> {
        // One by itself first: what it sets up stays.
        self.put(0, png(40, 30)).await?;
        let (idle, cpu) = (self.process.memory_mib(), self.process.cpu());
        let first = Arc::new(Mutex::new(BTreeMap::<u16, usize>::new()));
        let (begun, mut uploads) = (Instant::now(), JoinSet::new());
        for number in 0..UPLOADS {
            let picture = pictures[number % pictures.len()].clone();
            let upload = self.upload(number + 1, picture);
            let first = Arc::clone(&first);
            uploads.spawn(async move {
                let mut answer = upload.once().await?;
                *first
                    .lock()
                    .expect("nobody panics")
                    .entry(answer.status.as_u16())
                    .or_default() += 1;
                while answer.status == 503 {
                    if once {
                        return Ok(());
                    }
                    ensure!(answer.header("retry-after") == "2", "when to come again");
                    ensure!(begun.elapsed() < PATIENCE, "it never came in");
                    sleep(Duration::from_millis(2_000 + 37 * number as u64)).await;
                    answer = upload.once().await?;
                }
                ensure!(answer.status == 200, "{}", answer.text());
                Ok(())
            });
        }
        while let Some(done) = uploads.join_next().await {
            done??;
        }
        let (took, cpu) = (begun.elapsed(), self.process.cpu() - cpu);
        let sent: usize = pictures.iter().map(Vec::len).max().unwrap_or(0);
        let first = first.lock().expect("nobody panics").clone();
        ensure!(
            self.cgroup.killed()? == 0,
            "{name}: the kernel killed for want of memory"
        );
        println!(
            "{name:<32} {:>8.1}  {:<20} {:>8.0} s  {:>9}  {:>5.0}  {:>8}",
            sent as f64 / f64::from(1 << 20),
            format!("{first:?}"),
            took.as_secs_f64(),
            self.cgroup.peak_mib()?,
            cpu.as_secs_f64(),
            idle,
        );
        Ok(())
    }

    async fn put(&self, number: usize, picture: Vec<u8>) -> anyhow::Result<()> {
        let answer = self.upload(number.max(1), picture).once().await?;
        ensure!(answer.status == 200, "{}", answer.text());
        Ok(())
    }

    fn upload(&self, customer: usize, picture: Vec<u8>) -> Upload {
        Upload {
            // A connection of its own, of either kind.
            client: plain(customer.is_multiple_of(2)),
            address: format!("{}/customers/{customer}/photo", self.base),
            token: self.tokens[customer % self.tokens.len()].clone(),
            picture: picture.into(),
        }
    }
}

/// An upload that can be sent again.
struct Upload {
    client: reqwest::Client,
    address: String,
    token: String,
    picture: bytes::Bytes,
}

impl Upload {
    async fn once(&self) -> reqwest::Result<Answer> {
        let request = self.client.put(&self.address).bearer_auth(&self.token);
        Answer::try_of(request.body(self.picture.clone())).await
    }
}
