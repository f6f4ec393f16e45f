//! What requests cost the database, as docs/performance.md tells it.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Answer, Client, MariaDb, Options, PASSWORD, Product,
    database::{execute, number},
    photo,
};

const PAGE: &str = include_str!("../../docs/performance.md");
/// How often a request is counted. The least counts: now and then one does some of everybody's work.
const TIMES: i64 = 4;

/// The statements that the page tells of a request.
fn told(request: &str) -> i64 {
    let row = PAGE
        .lines()
        .find_map(|line| line.strip_prefix(&format!("| `{request}` | ")));
    let cell = row.and_then(|row| row.split(" |").next());
    let number = cell.and_then(|cell| cell.trim().parse().ok());
    number.unwrap_or_else(|| panic!("the page does not tell of {request}"))
}

/// Counts what a database is asked, by its own log.
struct Counter {
    url: String,
    wrong: Vec<String>,
}

impl Counter {
    /// Sends a request several times, each time made anew, and compares what it asks the database with the page.
    async fn count(
        &mut self,
        what: &str,
        status: u16,
        request: impl AsyncFn(i64) -> reqwest::RequestBuilder,
    ) -> Answer {
        const COUNT: &str = "SELECT COUNT(*) FROM mysql.general_log \
            WHERE command_type IN ('Execute', 'Query') AND thread_id <> CONNECTION_ID()";
        let (mut least, mut answers) = (i64::MAX, Vec::new());
        for time in 0..TIMES {
            let request = request(time).await;
            execute(&self.url, "TRUNCATE TABLE mysql.general_log").await;
            answers.push(Answer::of(request).await.is(status));
            least = least.min(number(&self.url, COUNT).await);
        }
        if least != told(what) {
            self.wrong
                .push(format!("{what}: {least}, told {}", told(what)));
        }
        answers.remove(0)
    }
}

#[tokio::test]
async fn every_request_asks_the_database_as_often_as_the_page_says() {
    let log = ["--general-log=ON", "--log-output=TABLE"].map(str::to_owned);
    let server = MariaDb::start(&log).await;
    let url = server.fresh().await;
    let env = vec![("DATABASE_URL", url.clone())];
    let mut product = Product::services(1, Options { env }).await;
    let admin = product.admin().await;
    let mut counter = Counter {
        url,
        wrong: Vec::new(),
    };
    customers(&mut counter, &admin).await;
    people(&mut counter, &admin, &product).await;
    assert_eq!(counter.wrong, [""; 0]);
    assert!(product.stop().await);
}

async fn customers(counter: &mut Counter, admin: &Client) {
    let get = async |path: String| admin.request(Method::GET, &path);
    let new = |name: &str, time: i64| json!({ "email": format!("{name}{time}@example.com"), "name": "Ada", "surname": "Lovelace" });
    let post = async |body: Value| admin.request(Method::POST, "/customers").json(&body);
    let made = counter
        .count("POST /customers", 201, async |time| {
            post(new("a", time)).await
        })
        .await;
    let one = format!("/customers/{}", made.json()["id"]);
    counter
        .count("GET /customers/{id}", 200, async |_| get(one.clone()).await)
        .await;
    counter
        .count("GET /customers", 200, async |_| {
            get("/customers".to_owned()).await
        })
        .await;
    counter
        .count("GET /customers?q=lovelace", 200, async |_| {
            get("/customers?q=lovelace".to_owned()).await
        })
        .await;
    counter
        .count("GET /customers/{id}/history", 200, async |_| {
            get(format!("{one}/history")).await
        })
        .await;
    let patch = async |time| {
        admin
            .request(Method::PATCH, &one)
            .json(&json!({ "phone": format!("+44 {time}") }))
    };
    counter.count("PATCH /customers/{id}", 200, patch).await;
    let keyed = async |time| {
        post(new("k", time))
            .await
            .header("Idempotency-Key", format!("key-{time}"))
    };
    counter
        .count("POST /customers with an Idempotency-Key", 201, keyed)
        .await;
    let picture = async |time| {
        let side = 30 + u32::try_from(time).unwrap();
        admin
            .request(Method::PUT, &format!("{one}/photo"))
            .body(photo::png(side, side))
    };
    counter
        .count("PUT /customers/{id}/photo", 200, picture)
        .await;
    let shown = counter
        .count("GET /customers/{id}", 200, async |_| get(one.clone()).await)
        .await;
    let image = shown.json()["photo"]["small"].as_str().unwrap().to_owned();
    let path = image[image.find("/images/").unwrap()..].to_owned();
    counter
        .count("GET /images/{image_id}/{size}", 200, async |_| {
            get(path.clone()).await
        })
        .await;
    let delete = async |time| {
        let made = admin.customer(&format!("d{time}@example.com")).await;
        admin.request(Method::DELETE, &format!("/customers/{}", made["id"]))
    };
    counter.count("DELETE /customers/{id}", 204, delete).await;
}

async fn people(counter: &mut Counter, admin: &Client, product: &Product) {
    let anyone = product.anyone();
    let right = json!({ "email": "admin@example.com", "password": PASSWORD });
    let login = async |_| anyone.request(Method::POST, "/login").json(&right);
    counter.count("POST /login", 200, login).await;
    let refresh = async |_| {
        let tokens = anyone.post("/login", right.clone()).await.json();
        let body = json!({ "refresh_token": tokens["refresh_token"] });
        anyone.request(Method::POST, "/token").json(&body)
    };
    counter.count("POST /token", 200, refresh).await;
    counter
        .count("GET /me", 200, async |_| admin.request(Method::GET, "/me"))
        .await;
}
