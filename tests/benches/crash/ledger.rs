//! What a worker was told, and whether it is so.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Answer, Client};

/// How long a key stays claimed by work that was killed, and a little more.
const CLAIMED: Duration = Duration::from_secs(70);

/// Everything that one worker did, by customer.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) customers: Vec<Entry>,
    pub(crate) batches: Vec<Batch>,
}

/// What was done to one customer, in order. After a step without an answer there is no further one.
pub(crate) struct Entry {
    pub(crate) email: String,
    /// The `Idempotency-Key` with which it was made.
    pub(crate) key: Option<String>,
    /// Its making first.
    pub(crate) steps: Vec<Step>,
}

pub(crate) struct Step {
    pub(crate) action: &'static str,
    /// The field that it changed, and to what; nothing where that is not known.
    pub(crate) change: Option<(&'static str, Value)>,
    /// That it was acknowledged.
    pub(crate) done: bool,
}

/// Customers that were made together, or not.
pub(crate) struct Batch {
    pub(crate) emails: Vec<String>,
    pub(crate) done: bool,
}

/// How much there was.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) acknowledged: usize,
    pub(crate) unsure: usize,
    pub(crate) happened: usize,
}

impl Ledger {
    /// Asserts that all that was acknowledged happened, once, and the rest wholly or not at all.
    pub(crate) async fn check(&self, admin: &Client) -> Seen {
        let mut seen = Seen::default();
        for entry in &self.customers {
            entry.check(admin, &mut seen).await;
        }
        for batch in &self.batches {
            let mut there = 0;
            for email in &batch.emails {
                there += found(admin, email).await.len();
            }
            let all = batch.emails.len();
            assert!(
                there == all || (there == 0 && !batch.done),
                "{there} of {:?}",
                batch.emails
            );
            seen.count(batch.done, there == all);
        }
        seen
    }
}

impl Seen {
    fn count(&mut self, done: bool, happened: bool) {
        self.acknowledged += usize::from(done);
        self.unsure += usize::from(!done);
        self.happened += usize::from(!done && happened);
    }
}

impl Entry {
    async fn check(&self, admin: &Client, seen: &mut Seen) {
        let made = self.steps.first().is_some_and(|step| step.done);
        let before = found(admin, &self.email).await;
        assert!(before.len() <= 1, "{before:?}");
        assert!(!made || before.len() == 1, "{} is lost", self.email);
        seen.count(made, !before.is_empty());
        if let Some(key) = &self.key {
            let again = self.again(admin, key).await;
            let now = found(admin, &self.email).await;
            assert!(
                now.len() == 1 && now[0]["id"] == again["id"],
                "{now:?} {again}"
            );
        }
        let Some(customer) = before.first() else {
            return;
        };
        let history = history(admin, &customer["id"]).await;
        let told = || format!("{customer} {history:?}");
        let sure = self.steps.iter().filter(|step| step.done).count().max(1);
        let most = self.steps.len();
        assert!((sure..=most).contains(&history.len()), "{}", told());
        assert_eq!(customer["version"], history.len(), "{}", told());
        for (index, event) in history.iter().enumerate() {
            let step = &self.steps[index];
            assert_eq!(event["version"], index + 1, "{}", told());
            assert_eq!(event["action"], step.action, "{}", told());
            if let Some((field, value)) = &step.change {
                assert_eq!(event["changes"][*field]["to"], *value, "{}", told());
            }
        }
        for (index, step) in self.steps.iter().enumerate().skip(1) {
            seen.count(step.done, index < history.len());
        }
    }

    /// The customer that the same request makes, or has made.
    async fn again(&self, admin: &Client, key: &str) -> Value {
        let begun = Instant::now();
        loop {
            let request = admin.request(reqwest::Method::POST, "/customers");
            let request = request
                .header("idempotency-key", key)
                .json(&new(&self.email));
            let answer = Answer::of(request).await;
            if answer.status.as_u16() != 409 || begun.elapsed() > CLAIMED {
                return answer.is(201).json();
            }
            answer.problem(409, "idempotency_key_in_use");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// A new customer with an address.
pub(crate) fn new(email: &str) -> Value {
    json!({ "email": email, "name": "Ada", "surname": "Lovelace" })
}

async fn found(admin: &Client, email: &str) -> Vec<Value> {
    let list = admin
        .get(&format!("/customers?deleted=include&email={email}"))
        .await;
    list.is(200).json()["data"].as_array().unwrap().clone()
}

/// Its events, oldest first.
async fn history(admin: &Client, id: &Value) -> Vec<Value> {
    let page = admin
        .get(&format!("/customers/{id}/history?limit=200"))
        .await;
    let mut events = page.is(200).json()["data"].as_array().unwrap().clone();
    events.reverse();
    events
}
