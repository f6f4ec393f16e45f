//! Somebody who writes all day, and notes what is acknowledged.

use crate::{
    Door,
    ledger::{Batch, Entry, Ledger, Step, new},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{ADMIN, Answer, Client, PASSWORD, photo};
use tokio::{sync::watch, time::sleep};

/// Within this time a refresh whose answer was lost can be asked for again, less what an answer takes.
const FORGIVEN: Duration = Duration::from_secs(15);

pub(crate) struct Worker {
    number: usize,
    client: Client,
    door: watch::Receiver<Door>,
    stop: watch::Receiver<bool>,
    ledger: Ledger,
    /// Counts what it makes.
    next: usize,
}

impl Worker {
    pub(crate) fn new(
        number: usize,
        client: Client,
        door: watch::Receiver<Door>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            number,
            client,
            door,
            stop,
            ledger: Ledger::default(),
            next: 0,
        }
    }

    /// Works until told to stop; gives what it was told.
    pub(crate) async fn work(mut self) -> Ledger {
        while !*self.stop.borrow() {
            self.next += 1;
            match fastrand::u8(..8) {
                0 => self.batch().await,
                _ => self.customer().await,
            }
        }
        self.ledger
    }

    /// A name that nobody else gives.
    fn name(&self) -> String {
        format!("{}-{}", self.number, self.next)
    }

    async fn batch(&mut self) {
        let emails: Vec<_> = (0..3)
            .map(|n| format!("{}-{n}@example.net", self.name()))
            .collect();
        let items: Vec<_> = emails
            .iter()
            .map(|email| json!({ "create": new(email) }))
            .collect();
        let body = json!({ "items": items });
        let sent = self.send(200, |client| {
            client.request(Method::POST, "/customers/batch").json(&body)
        });
        let done = sent.await.is_some();
        self.ledger.batches.push(Batch { emails, done });
    }

    /// Makes a customer, and does this and that to it until an answer does not come.
    async fn customer(&mut self) {
        let email = format!("{}@example.com", self.name());
        let key = fastrand::bool().then(|| self.name());
        let made = self.send(201, |client| {
            let request = client
                .request(Method::POST, "/customers")
                .json(&new(&email));
            match &key {
                Some(key) => request.header("idempotency-key", key),
                None => request,
            }
        });
        let made = made.await;
        let step = Step {
            action: "created",
            change: Some(("email", json!(email))),
            done: made.is_some(),
        };
        let mut entry = Entry {
            email,
            key,
            steps: vec![step],
        };
        if let Some(made) = made {
            let path = format!("/customers/{}", made.json()["id"]);
            for round in 0..fastrand::usize(..8) {
                if !self.step(&path, round, &mut entry.steps).await {
                    break;
                }
            }
        }
        self.ledger.customers.push(entry);
    }

    /// Does one thing to a living customer, which lives afterwards; false when an answer did not come.
    async fn step(&mut self, path: &str, round: usize, steps: &mut Vec<Step>) -> bool {
        let photographed = steps.iter().rev().find_map(|step| match step.action {
            "photo_set" => Some(true),
            "photo_removed" => Some(false),
            _ => None,
        });
        let photo = format!("{path}/photo");
        match fastrand::u8(..8) {
            0 | 1 => {
                let set = self.send(200, |client| {
                    client.request(Method::PUT, &photo).body(photo::png(40, 30))
                });
                let set = set.await;
                let id = set.as_ref().map(|set| ("photo", set.json()["id"].clone()));
                note(steps, "photo_set", id, set)
            }
            2 if photographed == Some(true) => {
                let removed = self.send(204, |client| client.request(Method::DELETE, &photo));
                note(
                    steps,
                    "photo_removed",
                    Some(("photo", Value::Null)),
                    removed.await,
                )
            }
            3 => {
                let deleted = self.send(204, |client| client.request(Method::DELETE, path));
                let deleted = deleted.await;
                note(steps, "deleted", None, deleted) && {
                    let restore = format!("{path}/restore");
                    let restored = self.send(200, |client| client.request(Method::POST, &restore));
                    note(steps, "restored", None, restored.await)
                }
            }
            _ => {
                let notes = json!(format!("{} {round}", self.name()));
                let body = json!({ "notes": notes });
                let changed = self.send(200, |client| {
                    client.request(Method::PATCH, path).json(&body)
                });
                note(steps, "updated", Some(("notes", notes)), changed.await)
            }
        }
    }

    /// Sends a request once. The answer is `expected`, or nobody knows whether it happened.
    async fn send(
        &mut self,
        expected: u16,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Option<Answer> {
        loop {
            let answer = Answer::try_of(request(&self.client)).await;
            match answer.map(|answer| (answer.status.as_u16(), answer)) {
                Ok((status, answer)) if status == expected => return Some(answer),
                // Its token is of another address, or has run out: nothing was done.
                Ok((401, _)) => self.renew().await,
                Ok((status, answer)) => {
                    assert!(
                        matches!(status, 502..=504),
                        "{} {}",
                        answer.status,
                        answer.text()
                    );
                    sleep(Duration::from_millis(30)).await;
                    return None;
                }
                Err(_) => {
                    self.find().await;
                    return None;
                }
            }
        }
    }

    /// Goes where the product is now.
    async fn find(&mut self) {
        sleep(Duration::from_millis(30)).await;
        let door = self.door.borrow_and_update().clone();
        if let Some((base, authority)) = door {
            let mut client = Client::new(&base, &authority);
            client.token.clone_from(&self.client.token);
            client.refresh.clone_from(&self.client.refresh);
            self.client = client;
        }
    }

    /// Exchanges the refresh token until there is an answer: a lost one can be asked for again for twenty seconds.
    async fn renew(&mut self) {
        let begun = Instant::now();
        let mut asked = ("/token", json!({ "refresh_token": self.client.refresh }));
        loop {
            let (path, body) = &asked;
            let request = self.client.request(Method::POST, path).json(body);
            match Answer::try_of(request).await {
                Ok(answer) if answer.status.is_success() => {
                    let tokens = answer.json();
                    self.client.token = tokens["access_token"].as_str().map(str::to_owned);
                    self.client.refresh = tokens["refresh_token"].as_str().map(str::to_owned);
                    return;
                }
                Ok(answer) if answer.status == 401 && begun.elapsed() > FORGIVEN => {
                    asked = ("/login", json!({ "email": ADMIN, "password": PASSWORD }));
                }
                Ok(answer) => {
                    let status = answer.status.as_u16();
                    assert!(matches!(status, 502..=504), "{status} {}", answer.text());
                    sleep(Duration::from_millis(50)).await;
                }
                Err(_) => self.find().await,
            }
        }
    }
}

/// Notes a step; gives whether it was acknowledged.
fn note(
    steps: &mut Vec<Step>,
    action: &'static str,
    change: Option<(&'static str, Value)>,
    answer: Option<Answer>,
) -> bool {
    let done = answer.is_some();
    steps.push(Step {
        action,
        change,
        done,
    });
    done
}
