//! Writers who want the same at the same time: nothing that one of them was told is done may be undone by another.

use crate::rig::{Answer, Client, Function};
use anyhow::{Context as _, ensure};
use futures_util::future::{join, join_all};
use hyper::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Races of two for one version: so many customers, each so often.
const CUSTOMERS: usize = 50;
const ROUNDS: usize = 200;
/// How many customers are raced for at once.
const AT_ONCE: usize = 5;
/// Races to create one address, and how many run in each.
const ADDRESSES: usize = 1_000;
const RUNNERS: usize = 6;

/// What happened, and how often.
type Counts = BTreeMap<String, usize>;

/// Runs all races against these instances of the function and prints what happened; fails when it is not what has to.
pub(crate) async fn run(instances: &[Function]) -> anyhow::Result<()> {
    let [versions, addresses] = [versions(instances).await?, addresses(instances).await?];
    println!("| race | what happened | times |\n|---|---|--:|");
    for (race, counts) in [
        ("two writers, one version", &versions),
        ("six writers, one new address", &addresses),
    ] {
        for (what, times) in counts {
            println!("| {race} | {what} | {times} |");
        }
    }
    let all =
        |counts: &Counts, what: &str, times| counts.len() == 1 && counts.get(what) == Some(&times);
    ensure!(
        all(&versions, WON_ONCE, CUSTOMERS * ROUNDS),
        "an update was lost or failed"
    );
    ensure!(
        all(&addresses, MADE_ONCE, ADDRESSES),
        "an address was not made exactly once"
    );
    Ok(())
}

const WON_ONCE: &str = "one 200, one 412 with the current record, the history agrees";
const MADE_ONCE: &str = "one 201, five 409 that name it";

/// Somebody at each instance in turn.
async fn somebody(instances: &[Function], index: usize) -> anyhow::Result<Client> {
    instances[index % instances.len()].connect().await
}

async fn versions(instances: &[Function]) -> anyhow::Result<Counts> {
    let lanes = (0..AT_ONCE).map(async |lane| {
        let mut counts = Counts::new();
        for customer in (lane..CUSTOMERS).step_by(AT_ONCE) {
            let mut one = somebody(instances, lane).await?;
            let mut other = somebody(instances, lane + 1).await?;
            race_for_versions(customer, &mut one, &mut other, &mut counts).await?;
        }
        anyhow::Ok(counts)
    });
    sum(join_all(lanes).await)
}

/// All rounds of one customer, then its history: it must tell of every winner, each changing what the one before left.
async fn race_for_versions(
    customer: usize,
    one: &mut Client,
    other: &mut Client,
    counts: &mut Counts,
) -> anyhow::Result<()> {
    let new =
        json!({ "email": format!("racer{customer}@example.com"), "name": "Ada", "surname": "0" });
    let made = one
        .send(Method::POST, "/customers", None, &new.to_string())
        .await?;
    let id = made.body["id"].as_i64().context("made")?;
    let path = format!("/customers/{id}");
    let mut won = vec!["0".to_owned()];
    for round in 0..ROUNDS {
        let tag = format!("\"{}\"", round + 1);
        let wanted = ["a", "b"].map(|who| format!("{round}{who}"));
        let bodies = wanted
            .each_ref()
            .map(|surname| json!({ "surname": surname }).to_string());
        let (first, second) = join(
            one.send(Method::PATCH, &path, Some(&tag), &bodies[0]),
            other.send(Method::PATCH, &path, Some(&tag), &bodies[1]),
        )
        .await;
        let (first, second) = (first?, second?);
        let (winner, loser) = if first.status == 200 {
            (0, &second)
        } else {
            (1, &first)
        };
        let told = (first.status.as_u16(), second.status.as_u16());
        let current = &loser.body["current"];
        let what = match told {
            (200, 412) | (412, 200)
                if current["surname"] == wanted[winner] && current["version"] == round + 2 =>
            {
                WON_ONCE.to_owned()
            }
            (one, other) => format!("{one} and {other}: {}", loser.body),
        };
        won.push(wanted[winner].clone());
        *counts.entry(what).or_default() += 1;
    }
    let told = history(one, &path).await?;
    if told != won {
        *counts.entry(WON_ONCE.to_owned()).or_default() -= ROUNDS;
        *counts
            .entry("the history does not agree".to_owned())
            .or_default() += ROUNDS;
    }
    Ok(())
}

/// The surnames that a customer had, first to last; ends where a change does not begin with what was before.
async fn history(client: &mut Client, path: &str) -> anyhow::Result<Vec<String>> {
    let mut changes = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("{path}/history?limit=200{cursor}"))
            .await?
            .body;
        let events = page["data"].as_array().context("events")?.iter();
        changes.extend(events.map(|event| event["changes"]["surname"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut surnames = Vec::new();
    let mut last = Value::Null;
    for change in changes.iter().rev() {
        if change["from"] != last {
            break;
        }
        last = change["to"].clone();
        surnames.push(last.as_str().unwrap_or_default().to_owned());
    }
    Ok(surnames)
}

async fn addresses(instances: &[Function]) -> anyhow::Result<Counts> {
    let connecting = (0..RUNNERS).map(|index| somebody(instances, index));
    let connected: anyhow::Result<Vec<_>> = join_all(connecting).await.into_iter().collect();
    let mut runners = connected?;
    let mut counts = Counts::new();
    for race in 0..ADDRESSES {
        let running = runners.iter_mut().enumerate().map(async |(index, runner)| {
            let address = format!("sprinter{race}@example.com");
            let address = if index % 2 == 0 {
                address
            } else {
                address.to_uppercase()
            };
            let new = json!({ "email": address, "name": "Ada", "surname": format!("S{index}") });
            runner
                .send(Method::POST, "/customers", None, &new.to_string())
                .await
        });
        let answers: anyhow::Result<Vec<_>> = join_all(running).await.into_iter().collect();
        *counts.entry(outcome(&answers?)).or_default() += 1;
    }
    Ok(counts)
}

fn outcome(answers: &[Answer]) -> String {
    let made: Vec<_> = answers.iter().filter(|it| it.status == 201).collect();
    let names_it = |it: &&Answer| {
        let existing = json!({ "id": made.first().map(|it| &it.body["id"]), "deleted": false });
        it.status == 409 && it.body["code"] == "email_taken" && it.body["existing"] == existing
    };
    if made.len() == 1 && answers.iter().filter(names_it).count() == RUNNERS - 1 {
        return MADE_ONCE.to_owned();
    }
    let mut told: Vec<_> = answers
        .iter()
        .map(|it| format!("{} {}", it.status.as_u16(), it.body["existing"]))
        .collect();
    told.sort_unstable();
    told.join(", ")
}

fn sum(all: Vec<anyhow::Result<Counts>>) -> anyhow::Result<Counts> {
    let mut sum = Counts::new();
    for counts in all {
        for (what, times) in counts? {
            *sum.entry(what).or_default() += times;
        }
    }
    sum.retain(|_, times| *times > 0);
    Ok(sum)
}
