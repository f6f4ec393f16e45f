//! Kills what serves, at random, while people write; then looks for everything that was acknowledged: `tests/crash`.
#![expect(clippy::unwrap_used, reason = "it is a test")]

mod ledger;
mod worker;

use ledger::Ledger;
use std::{
    env,
    path::PathBuf,
    time::{Duration, Instant},
};
use tests::{
    Client, MariaDb, Options, Product,
    audit::{audit, shown},
    process::program,
};
use tokio::{process::Command, sync::watch, time::sleep};
use worker::Worker;

const WORKERS: usize = 12;

/// Where the product is reached at the moment: its address and authority. Nothing while it is down.
pub(crate) type Door = Option<(String, PathBuf)>;

/// What is killed.
struct Victim {
    product: Product,
    database: Option<MariaDb>,
}

impl Victim {
    async fn start(services: bool) -> Self {
        if !services {
            return Self {
                product: Product::all_in_one().await,
                database: None,
            };
        }
        let database = MariaDb::start(&[]).await;
        let env = vec![("DATABASE_URL", database.fresh().await)];
        Self {
            product: Product::services(1, Options { env }).await,
            database: Some(database),
        }
    }

    fn door(&self) -> Door {
        let product = &self.product;
        Some((product.base.clone(), product.data("tls/ca.pem")))
    }

    /// Kills something, and lets it come back; gives what that was.
    async fn kill(mut self, say: &watch::Sender<Door>) -> (Self, &'static str) {
        let processes = self.product.processes().len();
        let what = match &mut self.database {
            Some(database) if fastrand::u8(..3) == 0 => {
                database.kill().await;
                sleep(Duration::from_millis(fastrand::u64(..1_500))).await;
                database.start_again().await;
                return (self, "the database");
            }
            Some(_) if fastrand::bool() => {
                let one = fastrand::usize(..processes);
                self.product.processes()[one].kill().await;
                // The others meet its absence.
                sleep(Duration::from_millis(fastrand::u64(..500))).await;
                "one program, then all"
            }
            _ => "all programs",
        };
        let product = self.product.kill_and_restart().await;
        let victim = Self { product, ..self };
        say.send_replace(victim.door());
        (victim, what)
    }
}

/// Lets people write for so long while things are killed; then looks.
async fn run(seconds: u64, services: bool) {
    let mut victim = Victim::start(services).await;
    let admin = victim.product.admin().await;
    let say = watch::Sender::new(victim.door());
    let (stop, stopped) = watch::channel(false);
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        let admin = victim.product.admin().await;
        let worker = Worker::new(number, admin, say.subscribe(), stopped.clone());
        workers.push(tokio::spawn(worker.work()));
    }
    drop(admin);
    let (begun, mut kills) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(seconds) {
        sleep(Duration::from_millis(fastrand::u64(300..5_000))).await;
        assert!(
            workers.iter().all(|worker| !worker.is_finished()),
            "a worker met what must not be"
        );
        let what;
        (victim, what) = victim.kill(&say).await;
        kills += 1;
        println!("{:>4} s: killed {what}", begun.elapsed().as_secs());
    }
    stop.send_replace(true);
    let mut ledgers = Vec::new();
    for worker in workers {
        ledgers.push(worker.await.expect("every answer is a good one, or none"));
    }
    look(&victim.product, ledgers, kills).await;
    assert!(victim.product.stop().await, "it still ends well");
}

/// That everything acknowledged is there, once.
async fn look(product: &Product, ledgers: Vec<Ledger>, kills: usize) {
    audit(product).await;
    let admin = product.admin().await;
    let (mut acknowledged, mut unsure, mut happened) = (0, 0, 0);
    for ledger in &ledgers {
        let seen = ledger.check(&admin).await;
        acknowledged += seen.acknowledged;
        unsure += seen.unsure;
        happened += seen.happened;
    }
    // What no row names is swept up, and nothing else.
    let mut sweep = Command::new(program("admin"));
    sweep.args(["sweep", "--older-than", "0"]).env_clear();
    sweep.env("DATABASE_URL", product.database_url());
    let swept = sweep.envs(product.pictures().env()).output().await.unwrap();
    assert!(
        swept.status.success(),
        "{}",
        String::from_utf8_lossy(&swept.stderr)
    );
    let shown = shown(product).await;
    assert_eq!(
        product.pictures().ids().await,
        shown,
        "as many pictures as rows"
    );
    audit(product).await;
    see(product, &admin).await;
    println!(
        "{kills} kills; {acknowledged} acknowledged writes are there once, with their history; {unsure} without an answer, \
         of which {happened} happened, wholly; {} photos, each whole",
        shown.len()
    );
    assert!(acknowledged > 20 * ledgers.len(), "{acknowledged}");
}

/// Looks at every photo, by its address.
async fn see(product: &Product, admin: &Client) {
    let mut next = "/customers?has_photo=true&deleted=include&limit=200".to_owned();
    loop {
        let page = admin.get(&next).await.is(200).json();
        for customer in page["data"].as_array().unwrap() {
            for size in ["small", "medium", "large"] {
                let address = customer["photo"][size].as_str().unwrap();
                product.anyone().get(address).await.is(200);
            }
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            return;
        };
        next = format!("/customers?has_photo=true&deleted=include&limit=200&cursor={cursor}");
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = env::args().skip(1);
    let seconds = arguments
        .next()
        .map_or(20, |text| text.parse().expect("seconds"));
    let shape = arguments.next();
    run(seconds, shape.as_deref() == Some("services")).await;
}
