//! Lists under all that people do at once: nobody twice, nobody missed, and just what a naive reader of all would show.

use crate::customers::{ids, walk};
use fastrand::Rng;
use reqwest::Method;
use serde_json::{Value, json};
use shared::{email, fold};
use std::collections::HashMap;
use tests::{Client, Product, photo::png};
use tokio::task::JoinSet;

const NAMES: [&str; 14] = [
    "José",
    "JOSE",
    "Jürgen",
    "Anne-Marie",
    "Zoë",
    "Ωμέγα",
    "Иван",
    "小明",
    "さくら",
    "민준",
    "محمد",
    "प्रिया",
    "İrem",
    "Ada",
];
const SURNAMES: [&str; 14] = [
    "Núñez",
    "nunez",
    "Müller",
    "O'Brien",
    "D’Angelo",
    "Παπαδόπουλος",
    "Иванов",
    "王",
    "田中",
    "김",
    "العربي",
    "शर्मा",
    "Groß",
    "Muñoz de la Núñez",
];
const DOMAINS: [&str; 4] = [
    "gmail.com",
    "Example.com",
    "correo.example.es",
    "jose.example.org",
];
const ORDERS: [&str; 6] = [
    "id",
    "created_at",
    "last_modified_at",
    "surname",
    "name",
    "email",
];

fn any<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(0..all.len())]
}

/// A customer whose names many others have; `n` makes the address its own.
fn somebody(rng: &mut Rng, n: usize) -> Value {
    let address = format!(
        "{}{n}@{}",
        any(rng, &["jose.", "nu_", "O'B", "иван"]),
        any(rng, &DOMAINS)
    );
    json!({ "email": address, "name": any(rng, &NAMES), "surname": any(rng, &SURNAMES) })
}

/// Makes so many customers, several at once.
async fn filled(clients: &[Client], rng: &mut Rng, many: usize) {
    let mut making = JoinSet::new();
    for n in 0..many {
        let (client, new) = (clients[n % clients.len()].clone(), somebody(rng, n));
        making.spawn(async move { client.post("/customers", new).await.is(201) });
        if making.len() >= 8 {
            making.join_next().await.unwrap().unwrap();
        }
    }
    making.join_all().await;
}

/// Something that somebody else does: makes a customer, or changes, deletes or restores one with an odd id.
async fn meddle(client: Client, seed: u64, n: usize, most: u64) {
    let mut rng = Rng::with_seed(seed);
    let path = format!("/customers/{}", rng.u64(0..most / 2) * 2 + 1);
    let new = somebody(&mut rng, n);
    let (method, path, body) = match rng.u32(0..10) {
        0..3 => (Method::POST, "/customers".to_owned(), new),
        3..5 => (Method::DELETE, path, json!({})),
        5..6 => (Method::POST, format!("{path}/restore"), json!({})),
        _ => (Method::PATCH, path, new),
    };
    let answer = client
        .request(method, &path)
        .json(&body)
        .send()
        .await
        .unwrap();
    // What is deleted already cannot be changed; that is somebody else's doing too.
    assert!(
        [200, 201, 204, 404].contains(&answer.status().as_u16()),
        "{path}: {answer:?}"
    );
}

#[tokio::test]
async fn who_stays_is_seen_once_however_much_others_insert_change_and_delete() {
    const MANY: usize = 100;
    let product = Product::start().await;
    let admin = product.admin().await;
    let mut rng = Rng::with_seed(6);
    filled(std::slice::from_ref(&admin), &mut rng, MANY).await;
    // Nobody touches those with even ids any more; some of them are deleted.
    for id in (2..MANY).step_by(16) {
        admin.delete(&format!("/customers/{id}")).await.is(204);
    }
    let stay: Vec<i64> = (2..=100).step_by(2).collect();
    let mut meddled = MANY;
    let filters = ["&q=com", "&deleted=include", "&created_by=1&q=o"];
    for (index, order) in ORDERS.into_iter().enumerate() {
        for sign in ["", "-"] {
            for filter in ["", filters[(index + 1) % filters.len()]] {
                let begin = format!("/customers?sort={sign}{order}{filter}");
                let whole = walk(&product, &admin, &format!("{begin}&limit=200"))
                    .await
                    .1;
                let mut path = format!("{begin}&limit={}", rng.usize(4..12));
                let mut seen: HashMap<i64, usize> = HashMap::new();
                loop {
                    let mut others = JoinSet::new();
                    for _ in 0..2 {
                        meddled += 1;
                        others.spawn(meddle(admin.clone(), rng.u64(..), meddled, MANY as u64));
                    }
                    let page = admin.get(&path).await.is(200).json();
                    ids(&page)
                        .iter()
                        .for_each(|id| *seen.entry(*id).or_default() += 1);
                    others.join_all().await;
                    let Some(cursor) = page["next_cursor"].as_str() else {
                        break;
                    };
                    path = format!("{begin}&limit=7&cursor={cursor}");
                }
                for id in &stay {
                    let times = seen.get(id).copied().unwrap_or_default();
                    assert_eq!(times, usize::from(whole.contains(id)), "{id} in {begin}");
                }
                if ["id", "created_at"].contains(&order) {
                    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
                    assert!(twice.is_empty(), "{begin}: {twice:?}");
                    // Among all, who is deleted and restored stays too.
                    let missed = (1..=MANY as i64).filter(|id| !seen.contains_key(id));
                    let missed: Vec<_> = missed.filter(|_| filter.contains("include")).collect();
                    assert!(missed.is_empty(), "{begin}: {missed:?}");
                }
            }
        }
    }
}

/// The words that somebody is found by; written down here once more, without any index.
fn words(customer: &Value) -> Vec<String> {
    let text = |field: &str| customer[field].as_str().unwrap().to_owned();
    let (name, surname, address) = (text("name"), text("surname"), text("email"));
    let mut words = Vec::new();
    for text in [&name, &surname, &address] {
        words.extend(fold::words(text).chain(fold::parts(text)));
    }
    if name.chars().chain(surname.chars()).all(fold::is_unspaced) {
        words.extend(fold::words(&format!("{surname}{name}")));
    }
    words
}

/// Whether a list with these parameters shows a customer.
fn shown(query: &[(&str, String)], customer: &Value) -> bool {
    let time = |field: &str| customer[field].as_str().unwrap();
    let deleted = query.iter().find(|(name, _)| *name == "deleted");
    let gone = !customer["deleted_at"].is_null();
    let among = match deleted.map(|(_, value)| value.as_str()) {
        Some("include") => true,
        Some("only") => gone,
        _ => !gone,
    };
    among
        && query.iter().all(|(name, value)| match *name {
            "q" => fold::words(value)
                .all(|wanted| words(customer).iter().any(|word| word.starts_with(&wanted))),
            "email" => email::key(customer["email"].as_str().unwrap()) == email::key(value),
            "created_by" => customer["created_by"].as_i64() == value.parse().ok(),
            "has_photo" => customer["photo"].is_null() == (value == "false"),
            "created_after" => time("created_at") > value.as_str(),
            "created_before" => time("created_at") < value.as_str(),
            "modified_after" => time("last_modified_at") > value.as_str(),
            "modified_before" => time("last_modified_at") < value.as_str(),
            _ => true,
        })
}

/// Whom a list shows, by reading all and ordering them.
fn naive(all: &[Value], query: &[(&str, String)], order: &str, descending: bool) -> Vec<i64> {
    let key = |customer: &Value| {
        let text = |field: &str| customer[field].as_str().unwrap_or_default().to_owned();
        let first = match order {
            "surname" | "name" => fold::order(&text(order), 120),
            "email" => email::key(&text(order)),
            field => text(field),
        };
        (first, customer["id"].as_i64().unwrap())
    };
    let mut keys: Vec<_> = all.iter().filter(|it| shown(query, it)).map(key).collect();
    keys.sort_unstable();
    if descending {
        keys.reverse();
    }
    keys.into_iter().map(|(_, id)| id).collect()
}

/// Some parameters, about people and times that there are.
fn random_query(rng: &mut Rng, all: &[Value]) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    let mut about = all[rng.usize(0..all.len())].clone();
    let other = all[rng.usize(0..all.len())].clone();
    let text = |customer: &Value, field: &str| customer[field].as_str().unwrap().to_owned();
    if rng.u32(0..3) > 0 {
        let mut wanted = Vec::new();
        for _ in 0..rng.usize(1..4) {
            let words = words(&about);
            let word = &words[rng.usize(0..words.len())];
            let letters = rng.usize(1..=word.chars().count());
            wanted.push(word.chars().take(letters).collect::<String>());
            if rng.u32(0..6) == 0 {
                about = other.clone();
            }
        }
        query.push(("q", wanted.join(" ")));
    }
    for field in [
        "created_after",
        "created_before",
        "modified_after",
        "modified_before",
    ] {
        if rng.u32(0..8) == 0 {
            let column = if field.starts_with('c') {
                "created_at"
            } else {
                "last_modified_at"
            };
            query.push((field, text(&all[rng.usize(0..all.len())], column)));
        }
    }
    if rng.u32(0..4) == 0 {
        query.push(("created_by", rng.u32(1..5).to_string()));
    }
    if rng.u32(0..4) == 0 {
        query.push(("has_photo", rng.bool().to_string()));
    }
    if rng.u32(0..3) == 0 {
        query.push((
            "deleted",
            any(rng, &["include", "only", "exclude"]).to_owned(),
        ));
    }
    if rng.u32(0..12) == 0 {
        query.push(("email", text(&about, "email").to_uppercase()));
    }
    query
}

#[tokio::test]
async fn a_list_shows_what_reading_all_and_ordering_them_shows() {
    const MANY: usize = 300;
    let product = Product::start().await;
    let admin = product.admin().await;
    let (kim, sam) = (
        product.user("kim@example.com").await,
        product.user("sam@example.com").await,
    );
    let mut rng = Rng::with_seed(7);
    filled(
        &[admin.clone(), kim.clone(), admin.clone(), sam],
        &mut rng,
        MANY,
    )
    .await;
    for n in 0..90 {
        let path = format!("/customers/{}", rng.usize(1..=MANY));
        match n % 3 {
            0 if n < 45 => drop(
                kim.put_bytes(&format!("{path}/photo"), "image/png", png(8, 8))
                    .await,
            ),
            0 => drop(kim.delete(&path).await),
            _ => drop(kim.patch(&path, somebody(&mut rng, MANY + n)).await),
        }
    }
    let all: Vec<Value> = admin
        .get("/customers?deleted=include&limit=200")
        .await
        .is(200)
        .json()["data"]
        .as_array()
        .unwrap()
        .clone();
    let mut all = all;
    for id in all.len() + 1..=MANY {
        all.push(
            admin
                .get(&format!("/customers/{id}?deleted=include"))
                .await
                .is(200)
                .json(),
        );
    }
    let mut wrong = Vec::new();
    for _ in 0..200 {
        let query = random_query(&mut rng, &all);
        let (order, descending) = (any(&mut rng, &ORDERS), rng.bool());
        let expected = naive(&all, &query, order, descending);
        let sign = if descending { "-" } else { "" };
        let limit = [3, 17, 50, 200][rng.usize(0..4)].max(expected.len() / 6 + 1);
        let asked = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&query)
            .append_pair("sort", &format!("{sign}{order}"))
            .append_pair("limit", &limit.to_string())
            .finish();
        let found = walk(&product, &admin, &format!("/customers?{asked}"))
            .await
            .1;
        let counted = admin
            .get(&format!("/customers?{asked}&count=true"))
            .await
            .is(200)
            .json();
        if found != expected || counted["total"] != expected.len() {
            wrong.push(format!(
                "{query:?} {asked}: {found:?} of {}, not {expected:?}",
                counted["total"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
