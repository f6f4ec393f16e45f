//! Attacks on passwords by guessing, B1 to B9, and what they must not do to the owner.
//!
//! The numbers are those of docs/decisions/0011-sign-in-limits.md.

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tests::{
    ADMIN, Answer, Client, PASSWORD, Process, Product, Visitor,
    database::{dump, execute, number},
};
use tokio::task::JoinSet;

const ACCOUNT: usize = 30;
const ADDRESS: usize = 100;
const PAIR: usize = 10;
const DEVICE: usize = 20;
const DEVICE_COOKIE: &str = "__Host-device-";

fn attempt(client: &Client, email: &str, password: &str) -> RequestBuilder {
    let credentials = json!({ "email": email, "password": password });
    client.request(Method::POST, "/login").json(&credentials)
}

async fn log_in(client: &Client, email: &str, password: &str) -> Answer {
    Answer::of(attempt(client, email, password)).await
}

/// Guesses at each of these accounts in turn; gives how many guesses were looked at. The others are told to wait.
async fn guess(client: &Client, emails: impl IntoIterator<Item = String>) -> usize {
    let requests = emails.into_iter();
    let requests = requests.map(|email| attempt(client, &email, "wrong"));
    looked_at(requests, 1).await
}

/// The same of any guesses, so many at once. Where several come for the last place in a budget, none may get it.
async fn looked_at(requests: impl IntoIterator<Item = RequestBuilder>, at_once: usize) -> usize {
    let (mut requests, mut guesses, mut looked_at) = (requests.into_iter(), JoinSet::new(), 0);
    loop {
        while guesses.len() < at_once
            && let Some(request) = requests.next()
        {
            guesses.spawn(answered(request));
        }
        let Some(answer) = guesses.join_next().await else {
            return looked_at;
        };
        let answer = answer.unwrap();
        match answer.status.as_u16() {
            401 => looked_at += 1,
            _ => drop(refused(answer)),
        }
    }
}

/// Sends a guess until it is answered by more than that many others are being hashed, which does not count.
async fn answered(request: RequestBuilder) -> Answer {
    loop {
        let answer = Answer::of(request.try_clone().unwrap()).await;
        if answer.status != 503 {
            return answer;
        }
    }
}

/// Asserts that somebody is told to wait; gives for how many seconds.
#[track_caller]
fn refused(answer: Answer) -> u64 {
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert_eq!(answer.header("set-cookie"), "");
    let problem = answer.problem(429, "too_many_attempts");
    let told = format!("try again in {wait} seconds");
    assert!(
        problem["detail"].as_str().unwrap().contains(&told),
        "{problem}"
    );
    assert!((1..=720).contains(&wait), "{problem}");
    wait
}

fn same(email: &str, times: usize) -> impl Iterator<Item = String> {
    let email = email.to_owned();
    (0..times).map(move |_| email.clone())
}

/// Lets an hour pass for the limits.
async fn pass_an_hour(product: &Product) {
    let sql = "UPDATE sign_in_limits SET free_at = free_at - 3600000000";
    execute(&product.database_url(), sql).await;
}

#[tokio::test]
async fn b1_one_account_is_guarded_against_guesses_from_many_addresses() {
    let product = Product::start().await;
    product.user("ada@example.com").await;
    // T6: the same whether or not there is such an account.
    for email in ["ada@example.com", "nobody@example.com"] {
        for host in 2..5 {
            let guesses = guess(&product.anyone_at(host), same(email, PAIR)).await;
            assert_eq!(guesses, PAIR, "{email}");
        }
        let wait = refused(log_in(&product.anyone_at(9), email, PASSWORD).await);
        assert!(wait <= 3_600 / ACCOUNT as u64, "{wait}");
    }
    log_in(&product.anyone_at(9), ADMIN, PASSWORD).await.is(200);
    pass_an_hour(&product).await;
    log_in(&product.anyone_at(9), "ada@example.com", PASSWORD)
        .await
        .is(200);
}

#[tokio::test]
async fn b1_one_address_has_ten_guesses_at_an_account() {
    let product = Product::start().await;
    let (here, there) = (product.anyone_at(2), product.anyone_at(3));
    assert_eq!(guess(&here, same(ADMIN, 3 * PAIR)).await, PAIR);
    refused(log_in(&here, ADMIN, PASSWORD).await);
    log_in(&there, ADMIN, PASSWORD).await.is(200);
    log_in(&here, "nobody@example.com", PASSWORD)
        .await
        .problem(401, "invalid_credentials");
    // What is refused costs nothing: the account is not used up.
    let free = guess(&there, same(ADMIN, ACCOUNT)).await;
    assert_eq!(free, PAIR);
}

#[tokio::test]
async fn b1_guesses_that_are_made_at_once_do_not_slip_through() {
    let product = Product::start().await;
    let mut racers = JoinSet::new();
    for racer in 0..64 {
        let client = product.anyone_at(2 + racer % 4);
        racers.spawn(async move { log_in(&client, ADMIN, "wrong").await });
    }
    let answers = racers.join_all().await;
    let guesses = answers.iter().filter(|answer| answer.status == 401);
    let guesses = guesses.count();
    assert!(guesses <= ACCOUNT, "{guesses}");
    for answer in answers {
        match answer.status.as_u16() {
            401 => {}
            // Too long in the queue of hashes: not looked at, and not counted.
            503 => assert_eq!(answer.header("retry-after"), "2"),
            _ => drop(refused(answer)),
        }
    }
    let mut later = 0;
    for host in 2..6 {
        later += guess(&product.anyone_at(host), same(ADMIN, PAIR)).await;
    }
    // One more for each two minutes that this takes.
    assert!(guesses + later <= ACCOUNT + 1, "{guesses} and {later}");
    for host in 2..6 {
        refused(log_in(&product.anyone_at(host), ADMIN, PASSWORD).await);
    }
}

#[tokio::test]
async fn b2_one_address_cannot_try_a_password_on_everybody() {
    let product = Product::start().await;
    let sprayer = product.anyone_at(2);
    let everybody = (0..ADDRESS + 20).map(|count| format!("staff{count}@example.com"));
    let everybody = everybody.map(|email| attempt(&sprayer, &email, "wrong"));
    let guesses = looked_at(everybody, 5).await;
    // One more for each 36 seconds that this takes.
    assert!((ADDRESS - 4..ADDRESS + 4).contains(&guesses), "{guesses}");
    let wait = refused(log_in(&sprayer, ADMIN, PASSWORD).await);
    // One of those who came at once for the last place may count too.
    assert!(wait <= 2 * 3_600 / ADDRESS as u64, "{wait}");
    // Nobody else is concerned.
    log_in(&product.anyone_at(3), ADMIN, PASSWORD).await.is(200);
    // From now on guesses at ever new accounts do not even make rows; and none of them tells of anybody.
    let url = product.database_url();
    let rows = number(&url, "SELECT COUNT(*) FROM sign_in_limits").await;
    let further = (0..50).map(|count| format!("canary{count}@example.com"));
    let more = guess(&sprayer, further).await;
    assert!(more < 4, "{more}");
    let now = number(&url, "SELECT COUNT(*) FROM sign_in_limits").await;
    assert!(
        now <= rows + 2 * i64::try_from(more).unwrap(),
        "{rows} became {now}"
    );
    let dump = dump(&url).await;
    for personal in ["staff1@example.com", "canary1@example.com"] {
        let found = dump
            .windows(personal.len())
            .any(|part| part == personal.as_bytes());
        assert!(!found, "{personal}");
    }
}

#[tokio::test]
async fn b4_a_restart_forgets_nothing() {
    let product = Product::start().await;
    assert_eq!(guess(&product.anyone_at(2), same(ADMIN, PAIR)).await, PAIR);
    let product = product.kill_and_restart().await;
    refused(log_in(&product.anyone_at(2), ADMIN, PASSWORD).await);
    log_in(&product.anyone_at(3), ADMIN, PASSWORD).await.is(200);
}

#[tokio::test]
async fn b5_no_header_of_a_client_s_makes_it_another() {
    let product = Product::start().await;
    let client = product.anyone_at(2);
    let forged = (0..2 * PAIR).map(|count| {
        let name = [
            "x-forwarded-for",
            "x-crm-client-ip",
            "X-CRM-Client-IP",
            "forwarded",
            "x-real-ip",
            "true-client-ip",
            "cf-connecting-ip",
            "x-client-ip",
        ][count % 8];
        let address = format!("192.0.2.{count}");
        let value = match name {
            "forwarded" => format!("for={address}"),
            "x-forwarded-for" => format!("{address}, 198.51.100.{count}"),
            _ => address,
        };
        attempt(&client, ADMIN, "wrong").header(name, value)
    });
    assert_eq!(looked_at(forged, 1).await, PAIR);
    log_in(&product.anyone_at(3), ADMIN, PASSWORD).await.is(200);
}

#[tokio::test]
async fn b7_every_spelling_of_an_address_is_the_same_account() {
    let product = Product::start().await;
    let spellings = [
        "admin@example.com",
        "ADMIN@EXAMPLE.COM",
        "Admin@Example.com",
        " admin@example.com ",
        "ａｄｍｉｎ@example.com",
        "admin@example.com\u{3000}",
    ];
    let greek = [
        "ανδρέας@example.com",
        "ΑΝΔΡΈΑΣ@example.com",
        "ανδρέασ@example.com",
    ];
    let guesses = spellings.iter().cycle().take(2 * PAIR);
    let guesses = guesses.map(|email| (*email).to_owned());
    assert_eq!(guess(&product.anyone_at(2), guesses).await, PAIR);
    for email in spellings {
        refused(log_in(&product.anyone_at(2), email, PASSWORD).await);
    }
    let guesses = greek.iter().cycle().take(2 * PAIR);
    let guesses = guesses.map(|email| (*email).to_owned());
    assert_eq!(guess(&product.anyone_at(3), guesses).await, PAIR);
}

#[tokio::test]
async fn b8_who_guesses_does_not_lock_the_owner_out() {
    let product = Product::start().await;
    product.user("ada@example.com").await;
    let mut owner = Visitor::with(product.anyone_at(2));
    let mut other = Visitor::with(product.anyone_at(2));
    let login = |visitor: &Visitor, email: &str, password: &str| {
        let credentials = json!({ "email": email, "password": password });
        visitor.request(Method::POST, "/login").json(&credentials)
    };
    let request = login(&owner, ADMIN, PASSWORD);
    let answer = owner.send(request).await.is(200);
    let cookie = answer.header("set-cookie");
    let (name, value) = owner.cookies.clone().pop_first().unwrap();
    let expected = format!(
        "{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={}",
        180 * 24 * 60 * 60
    );
    assert_eq!(cookie, expected);
    assert!(
        name.starts_with(DEVICE_COOKIE) && !cookie.contains("admin"),
        "{cookie}"
    );
    let request = login(&other, "ada@example.com", PASSWORD);
    other.send(request).await.is(200);
    // Everybody guesses, from everywhere, also from the owner's own network.
    for host in 2..5 {
        assert_eq!(
            guess(&product.anyone_at(host), same(ADMIN, PAIR)).await,
            PAIR
        );
    }
    refused(log_in(&product.anyone_at(2), ADMIN, PASSWORD).await);
    refused(log_in(&product.anyone_at(9), ADMIN, PASSWORD).await);
    // Another account's browser is nobody here, nor is one that bends its cookie into shape.
    let request = login(&other, ADMIN, PASSWORD);
    refused(other.send(request).await);
    let theirs = other.cookies.clone().pop_first().unwrap().1;
    for bent in [theirs.as_str(), &value[1..], "", "x"] {
        let mut thief = Visitor::with(product.anyone_at(2));
        thief.cookies.insert(name.clone(), bent.to_owned());
        let request = login(&thief, ADMIN, PASSWORD);
        refused(thief.send(request).await);
    }
    for _ in 0..3 {
        let request = login(&owner, ADMIN, PASSWORD);
        owner.send(request).await.is(200);
    }
    // The browser has its own limit, against whoever sits at it.
    let known = owner.cookies.clone();
    let guesses = (0..DEVICE + 5).map(|_| login(&owner, ADMIN, "wrong"));
    assert_eq!(looked_at(guesses, 1).await, DEVICE);
    let request = login(&owner, ADMIN, PASSWORD);
    refused(owner.send(request).await);
    assert_eq!(owner.cookies, known, "a failure changes no cookie");
}

#[tokio::test]
async fn b8_a_browser_in_which_an_old_password_was_right_is_not_known() {
    let product = Product::start().await;
    let mut browser = Visitor::with(product.anyone_at(2));
    let login = |visitor: &Visitor, password: &str| {
        let credentials = json!({ "email": ADMIN, "password": password });
        visitor.request(Method::POST, "/login").json(&credentials)
    };
    browser.send(login(&browser, PASSWORD)).await.is(200);
    let change = json!({ "current_password": PASSWORD, "new_password": "another good password" });
    product
        .admin()
        .await
        .put("/me/password", change)
        .await
        .is(204);
    for host in 3..6 {
        assert_eq!(
            guess(&product.anyone_at(host), same(ADMIN, PAIR)).await,
            PAIR
        );
    }
    refused(browser.send(login(&browser, "wrong")).await);
    refused(browser.send(login(&browser, "another good password")).await);
}

#[tokio::test]
async fn b9_two_hundred_at_once_take_no_more_memory_than_their_turns() {
    let product = Product::start().await;
    let shared = product.anyone_at(2);
    shared.get("/health/auth").await.is(200);
    let mut guesses = JoinSet::new();
    for guess in 0..200_u8 {
        let client = match guess % 4 {
            0 => product.anyone_at(2 + guess),
            _ => shared.clone(),
        };
        let email = format!("staff{guess}@example.com");
        guesses.spawn(async move { log_in(&client, &email, "wrong").await });
    }
    while let Some(answer) = guesses.join_next().await {
        let answer = answer.unwrap();
        match answer.status.as_u16() {
            401 => drop(answer.problem(401, "invalid_credentials")),
            // Too long in the queue of hashes.
            503 => assert_eq!(answer.header("retry-after"), "2"),
            _ => drop(refused(answer)),
        }
    }
    let peak = product.auth().peak_mib();
    assert!(peak < 300, "{peak} MiB");
    pass_an_hour(&product).await;
    log_in(&shared, ADMIN, PASSWORD).await.is(200);
}

#[tokio::test]
async fn only_failures_count() {
    let product = Product::start().await;
    let client = product.anyone_at(2);
    for _ in 0..PAIR + 5 {
        log_in(&client, ADMIN, PASSWORD).await.is(200);
    }
    assert_eq!(guess(&client, same(ADMIN, PAIR - 1)).await, PAIR - 1);
    // The right password does not make up for the wrong ones: the owner's sign-ins would give an attacker new guesses.
    log_in(&client, ADMIN, PASSWORD).await.is(200);
    assert_eq!(guess(&client, same(ADMIN, PAIR)).await, 1);
    // A request that is none does not count either.
    let client = product.anyone_at(3);
    for _ in 0..2 * PAIR {
        client
            .post("/login", json!({ "email": ADMIN }))
            .await
            .is(422);
    }
    log_in(&client, ADMIN, PASSWORD).await.is(200);
}

#[tokio::test]
async fn one_s_own_password_is_not_guessed_with_a_stolen_token() {
    let product = Product::start().await;
    let (admin, user) = (product.admin().await, product.user("ada@example.com").await);
    let change = |client: &Client, current: &str| {
        let body = json!({ "current_password": current, "new_password": PASSWORD });
        client.request(Method::PUT, "/me/password").json(&body)
    };
    for _ in 0..PAIR + 2 {
        Answer::of(change(&user, PASSWORD)).await.is(204);
    }
    for _ in 0..PAIR {
        Answer::of(change(&user, "wrong"))
            .await
            .invalid(&[("current_password", "wrong_password")]);
    }
    let answer = Answer::of(change(&user, PASSWORD)).await;
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=360).contains(&wait), "{wait}");
    let problem = answer.problem(429, "too_many_attempts");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("administrator"),
        "{problem}"
    );
    // Nobody else's is concerned, and neither is the way in.
    Answer::of(change(&admin, PASSWORD)).await.is(204);
    product
        .anyone()
        .signed_in("ada@example.com", PASSWORD)
        .await;
    pass_an_hour(&product).await;
    Answer::of(change(&user, PASSWORD)).await.is(204);
}

#[tokio::test]
async fn an_operator_lets_everybody_in_again_and_sweeps_up() {
    let product = Product::start().await;
    let (client, url) = (product.anyone_at(2), product.database_url());
    guess(&client, same(ADMIN, PAIR)).await;
    refused(log_in(&client, ADMIN, PASSWORD).await);
    let env = [("DATABASE_URL", url.clone())];
    let said = Process::output("admin", &["lift-limits"], &env, "").await;
    assert!(said.contains("3 limits lifted"), "{said}");
    log_in(&client, ADMIN, PASSWORD).await.is(200);
    guess(&client, same(ADMIN, 1)).await;
    guess(&client, ["nobody@example.com".to_owned()]).await;
    let pictures = tempfile::TempDir::new().unwrap();
    let env = [
        ("DATABASE_URL", url.clone()),
        ("IMAGES_DIR", pictures.path().to_str().unwrap().to_owned()),
    ];
    let sweep = async |arguments: &[&str]| {
        let said = Process::output("admin", arguments, &env, "").await;
        let line = said
            .lines()
            .find(|line| line.starts_with("Limits of sign-ins"));
        line.unwrap().to_owned()
    };
    let kept = sweep(&["sweep"]).await;
    assert!(
        kept.ends_with(": 0 removed."),
        "what still limits stays: {kept}"
    );
    pass_an_hour(&product).await;
    let dry = sweep(&["sweep", "--dry-run"]).await;
    assert!(dry.ends_with(": 5 would be removed."), "{dry}");
    let swept = sweep(&["sweep"]).await;
    assert!(swept.ends_with(": 5 removed."), "{swept}");
    let left = number(&url, "SELECT COUNT(*) FROM sign_in_limits").await;
    assert_eq!(left, 0);
}
