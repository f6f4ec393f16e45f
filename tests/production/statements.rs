//! The database breaks at each packet of a request in turn: the answer says so, in time, and all of it is done or nothing.

mod work;

use futures_util::future::join_all;
use std::time::{Duration, Instant};
use tests::{
    Answer, Client, Instance, Options, Product,
    audit::audit,
    database::number,
    way::{Break, Way},
};
use tokio::time::sleep;
use work::{Asked, Work};

/// What a request may take whose connection falls silent: one piece of work, and a loaded machine.
const SILENT: Duration = Duration::from_secs(15);
/// What it may take otherwise: a server that is away is noticed in less than a second.
const AT_ONCE: Duration = Duration::from_secs(6);
/// How long after the server's return everything must succeed again.
const RECOVERY: Duration = Duration::from_secs(5);

/// How much there is of what requests write. Each request of a kind adds the same.
const AMOUNTS: [&str; 9] = [
    "SELECT COUNT(*) FROM users",
    "SELECT COUNT(*) FROM users WHERE deleted_at IS NOT NULL OR name IS NOT NULL",
    "SELECT COUNT(*) FROM sessions",
    "SELECT COUNT(*) FROM sessions WHERE ended_at IS NOT NULL",
    "SELECT CAST(COALESCE(SUM(counter), 0) AS SIGNED) FROM sessions",
    "SELECT COUNT(*) FROM customers",
    "SELECT COUNT(*) FROM customer_events",
    "SELECT COUNT(*) FROM erasures",
    "SELECT COUNT(*) FROM customers WHERE photo_id IS NOT NULL",
];

struct Rig {
    product: Product,
    admin: Client,
    work: Work,
    /// Counts those that requests are about.
    next: usize,
}

/// One request that met a break, or none.
struct Met {
    asked: Asked,
    instance: Instance,
    way: Way,
    done: bool,
}

impl Rig {
    async fn start(work: Work) -> Self {
        let product = Product::services(1, Options::default()).await;
        Self {
            admin: product.admin().await,
            product,
            work,
            next: 0,
        }
    }

    async fn amounts(&self) -> Vec<i64> {
        let url = self.product.database_url();
        let mut amounts = Vec::new();
        for sql in AMOUNTS {
            amounts.push(number(&url, sql).await);
        }
        amounts
    }

    /// What one request adds, and how many packets it takes.
    async fn undisturbed(&mut self) -> (Vec<i64>, usize) {
        let asked = self.work.prepare(&self.admin, self.next).await;
        self.next += 1;
        let before = self.amounts().await;
        let met = meet(&self.product, self.work, asked, None).await;
        assert!(met.done, "undisturbed");
        let after = self.amounts().await;
        let added: Vec<_> = before
            .iter()
            .zip(&after)
            .map(|(from, to)| to - from)
            .collect();
        assert!(added.iter().any(|amount| *amount != 0), "it does something");
        (added, met.way.packets())
    }

    /// Breaks requests at each packet in turn, all at once, each at an instance of its own.
    async fn broken(&mut self, fault: Break, added: &[i64], packets: usize) {
        let mut all = Vec::new();
        for _ in 1..=packets {
            all.push(self.work.prepare(&self.admin, self.next).await);
            self.next += 1;
        }
        let before = self.amounts().await;
        let meeting = all.into_iter().enumerate().map(|(index, asked)| {
            let work = self.work;
            let product = &self.product;
            meet(product, work, asked, Some((index + 1, fault)))
        });
        let met = join_all(meeting).await;
        // What is given up is rolled back by the server, when it hears of it.
        sleep(Duration::from_millis(300)).await;
        let done = self.done(&before, added).await;
        let acknowledged = met.iter().filter(|met| met.done).count();
        let unsure =
            |met: &&Met| !met.done && self.work.is_unsure(met.way.broken().as_ref(), fault);
        let unsure = met.iter().filter(unsure).count();
        let told = || {
            let met = met.iter().map(|met| (met.done, met.way.broken()));
            format!("{:?} {fault:?}: {:#?}", self.work, met.collect::<Vec<_>>())
        };
        assert!(
            (acknowledged..=acknowledged + unsure).contains(&done),
            "{done} done, {acknowledged} acknowledged, {unsure} unsure\n{}",
            told()
        );
        assert!(acknowledged < packets, "nothing was refused\n{}", told());
        let mut settled = 0;
        for met in &met {
            settled += usize::from(self.again(met, fault).await);
        }
        if self.work.adds_up() {
            assert_eq!(self.done(&before, added).await, settled, "{}", told());
        }
        audit(&self.product).await;
        let left = self.product.pictures().ids().await.len();
        let shown = tests::audit::shown(&self.product).await.len();
        assert!(
            left <= shown + self.next,
            "{left} pictures for {shown} rows"
        );
    }

    /// How many requests happened since then: each wholly, or this fails.
    async fn done(&self, before: &[i64], added: &[i64]) -> usize {
        let after = self.amounts().await;
        let grown: Vec<_> = before
            .iter()
            .zip(&after)
            .map(|(from, to)| to - from)
            .collect();
        let one = added
            .iter()
            .position(|amount| *amount != 0)
            .unwrap_or_default();
        let times = grown[one] / added[one];
        let whole: Vec<_> = added.iter().map(|amount| amount * times).collect();
        assert_eq!(grown, whole, "each adds {added:?}, wholly or not at all");
        usize::try_from(times).unwrap()
    }

    /// The same once more, now that nothing breaks: at once, or soon after the server came back. False when a key stays
    /// claimed for a while, because it could not be given back.
    async fn again(&self, met: &Met, fault: Break) -> bool {
        met.way.heal();
        // A server that does not take a connection counts as one that is away, for half a second.
        let broken = met.way.broken().map(|broken| broken.packet);
        let connecting = broken
            .as_ref()
            .is_some_and(|packet| packet == "a greeting" || packet.starts_with("SET "));
        let was_away = connecting || matches!(fault, Break::Death | Break::Stuck);
        let begun = Instant::now();
        loop {
            let answer = Answer::of(met.asked.of(&met.instance.client)).await;
            let status = answer.status.as_u16();
            if self.work.settled(status) {
                return true;
            }
            let told = answer.text();
            if was_away && status == 409 && told.contains("idempotency_key_in_use") {
                return false;
            }
            assert!(
                status == 503 && was_away && begun.elapsed() < RECOVERY,
                "{:?} {fault:?} {broken:?}: {told} {:?} after it",
                self.work,
                begun.elapsed()
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Sends a request to an instance of its own, whose way to the database breaks.
async fn meet(product: &Product, work: Work, asked: Asked, at: Option<(usize, Break)>) -> Met {
    let way = Way::to(&product.database_url()).await;
    let env = [
        ("DATABASE_URL", way.url()),
        ("CLIENT_IP_HEADER", "X-Crm-Client-Ip".to_owned()),
    ];
    let instance = Instance::start(product, work.service(), env).await;
    if let Some((nth, fault)) = at {
        way.break_at(nth, fault);
    }
    let begun = Instant::now();
    let answer = Answer::of(asked.of(&instance.client)).await;
    let took = begun.elapsed();
    let bound = match at {
        Some((_, Break::Silence | Break::SilentAnswer)) => SILENT,
        _ => AT_ONCE,
    };
    let told = format!("{work:?} {at:?} {:?}: {}", way.broken(), answer.text());
    assert!(took < bound, "{told} after {took:?}");
    let done = answer.status.is_success();
    if !done {
        assert_eq!(answer.status.as_u16(), 503, "{told}");
        assert_ne!(answer.header("retry-after"), "", "{told}");
        answer.problem(503, "unavailable");
    }
    Met {
        asked,
        instance,
        way,
        done,
    }
}

/// Breaks one kind of request in these ways.
async fn at_each_packet(work: Work, faults: &[Break]) {
    let mut rig = Rig::start(work).await;
    let (added, packets) = rig.undisturbed().await;
    eprintln!("{work:?}: {packets} packets, adds {added:?}");
    for fault in faults {
        let begun = Instant::now();
        rig.broken(*fault, &added, packets).await;
        eprintln!("{work:?} {fault:?}: {:?}", begun.elapsed());
    }
}

const ALL: [Break; 6] = [
    Break::Cut,
    Break::LostAnswer,
    Break::Silence,
    Break::SilentAnswer,
    Break::Death,
    Break::Stuck,
];
/// What a connection that is lost does to work that has more steps.
const CUTS: [Break; 2] = [Break::Cut, Break::LostAnswer];

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_done_or_not_wherever_the_database_breaks() {
    at_each_packet(Work::SignIn, &ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_is_done_or_not_wherever_the_database_breaks() {
    at_each_packet(Work::Refresh, &ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_made_or_not_wherever_the_database_breaks() {
    at_each_packet(Work::Create, &ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_set_or_not_wherever_the_database_breaks() {
    at_each_packet(Work::Upload, &ALL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_changed_or_not_wherever_a_connection_breaks() {
    at_each_packet(Work::Change, &CUTS).await;
    at_each_packet(Work::Delete, &CUTS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_sent_again_is_done_once_wherever_a_connection_breaks() {
    at_each_packet(Work::CreateOnce, &CUTS).await;
    at_each_packet(Work::Batch, &CUTS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_done_or_not_wherever_a_connection_breaks() {
    at_each_packet(Work::Erase, &CUTS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_changed_or_not_wherever_a_connection_breaks() {
    for work in [
        Work::CreateUser,
        Work::UpdateUser,
        Work::DeleteUser,
        Work::ChangePassword,
        Work::SignOut,
    ] {
        at_each_packet(work, &CUTS).await;
    }
}
