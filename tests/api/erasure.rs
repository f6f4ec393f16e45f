//! Erasing a customer: nothing of them is left in the database or with the pictures, and that there was somebody is.

use serde_json::{Value, json};
use std::{fs, process::Stdio, time::Instant};
use tests::{
    Answer, Client, Instance, PASSWORD, Product,
    database::{dump, number},
    photo::sideways_jpeg,
    process::program,
    storage::{Fault, Storage},
};
use tokio::process::Command;

const NOBODY: &str = "/customers/1?deleted=include";
const ERASE: &str = "/customers/1/erase";
const PHOTO: &str = "/customers/1/photo";
const ALWAYS: usize = usize::MAX;

/// What must not be found any more: every value as it was written, and as search folded it.
const VALUES: [&str; 14] = [
    "Zébulon",
    "zebulon",
    "Quuxworthy-Łukasz",
    "quuxworthy",
    "lukasz",
    "Zaphira",
    "zaphira",
    "zeb.first@bygone.example",
    "Zeb.Second@bygone.example",
    "zeb.second",
    "bygone",
    "7700 900123",
    "allergic to penicillin",
    "second line of a note",
];

fn person(email: &str) -> Value {
    json!({
        "email": email, "name": "Zébulon", "surname": "Quuxworthy-Łukasz", "phone": "+44 7700 900123",
        "notes": "allergic to penicillin\nsecond line of a note",
    })
}

async fn erase(client: &Client) -> Answer {
    client.post(ERASE, json!({})).await
}

async fn erase_of(client: &Client, id: i64) -> Answer {
    client
        .post(&format!("/customers/{id}/erase"), json!({}))
        .await
}

/// Which of the values are in these bytes.
fn found(bytes: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let held = |value: &&str| text.contains(&value.to_lowercase());
    VALUES.into_iter().filter(held).collect()
}

async fn assert_forgotten(admin: &Client) {
    admin.get("/customers/1").await.problem(404, "not_found");
    let nobody = admin.get(NOBODY).await.is(200).json();
    for empty in ["email", "name", "surname"] {
        assert_eq!(nobody[empty], "", "{nobody}");
    }
    for nothing in ["phone", "notes", "photo", "photo_url"] {
        assert_eq!(nobody[nothing], Value::Null, "{nobody}");
    }
    assert!(nobody["erased_at"].is_string() && nobody["deleted_at"].is_string());
    let mut before = i64::MAX;
    let mut more = "/customers/1/history?limit=200".to_owned();
    loop {
        let page = admin.get(&more).await.is(200).json();
        for event in page["data"].as_array().unwrap() {
            let version = event["version"].as_i64().unwrap();
            assert!(version < before, "{event}");
            before = version;
            for (field, change) in event["changes"].as_object().unwrap() {
                let nothing = json!({ "from": null, "to": null });
                assert_eq!(*change, nothing, "{field} in {event}");
            }
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => more = format!("/customers/1/history?limit=200&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(before, 1, "every row of the history is there");
    for list in [
        "q=zebulon",
        "q=z",
        "q=quux+zeb&deleted=include",
        "q=bygone&deleted=only",
        "email=zeb.second@bygone.example&deleted=include",
    ] {
        let page = admin.get(&format!("/customers?{list}")).await.is(200);
        assert_eq!(page.json()["data"], json!([]), "{list}");
    }
}

#[tokio::test]
async fn after_an_erasure_no_byte_of_the_customer_is_left() {
    let mut product = Product::start().await;
    let admin = product.admin().await;
    let first = person("zeb.first@bygone.example");
    admin.post("/customers", first).await.is(201);
    for n in 2..=60 {
        let other = json!({
            "email": format!("other{n}@kept.example"), "name": "Marjorie", "surname": format!("Keepsake{n}"),
            "notes": "kept ".repeat(n),
        });
        admin.post("/customers", other).await.is(201);
    }
    for change in [
        json!({ "email": "Zeb.Second@bygone.example" }),
        json!({ "name": "Zaphira" }),
        json!({ "notes": null }),
        json!({ "notes": format!("{}allergic to penicillin", "long ".repeat(700)) }),
        json!({ "phone": "7700 900123 (work)", "name": "Zébulon" }),
    ] {
        admin.patch("/customers/1", change).await.is(200);
    }
    let mut pictures = Vec::new();
    for path in [PHOTO, PHOTO, "/customers/2/photo"] {
        let picture = sideways_jpeg(300, 200);
        let photo = admin.put_bytes(path, "image/jpeg", picture).await.is(200);
        pictures.push(photo.json());
    }
    admin.delete("/customers/1").await.is(204);
    let restored = admin.post("/customers/1/restore", json!({})).await;
    let version = restored.is(200).json()["version"].as_i64().unwrap();
    let before = dump(&product.database_url()).await;
    assert_eq!(found(&before), VALUES, "the dump shows what there is");

    let answer = erase(&admin).await.is(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let receipt = answer.json();
    assert_eq!(receipt["customer_id"], 1);
    assert_eq!(receipt["by"], 1);
    assert_eq!(receipt["history"], version, "{receipt}");
    assert_eq!(receipt["pictures"], json!({ "removed": 2, "queued": 0 }));
    assert_forgotten(&admin).await;
    let history = admin.get("/customers/1/history?limit=1").await.is(200);
    let event = &history.json()["data"][0];
    assert_eq!(event["action"], "erased");
    assert_eq!(event["version"], version + 1);
    for (told, kept) in [
        ("at", "erased_at"),
        ("by", "by"),
        ("operation_id", "operation_id"),
    ] {
        assert_eq!(event[told], receipt[kept], "{event}");
    }
    let kept = pictures[2]["id"].as_str().unwrap().to_owned();
    assert_eq!(product.pictures().ids().await, [kept].into());
    admin.get(PHOTO).await.problem(404, "not_found");
    let terms = "SELECT COUNT(*) FROM customer_terms WHERE customer_id = 1";
    assert_eq!(number(&product.database_url(), terms).await, 0);

    let url = product.database_url();
    let live = dump(&url).await;
    assert_eq!(found(&live), Vec::<&str>::new(), "while it runs");
    assert!(product.stop().await);
    let after = dump(&url).await;
    assert_eq!(found(&after), Vec::<&str>::new(), "after it has stopped");
    for kept in ["Marjorie", "Keepsake60", "other2@kept.example"] {
        assert!(String::from_utf8_lossy(&after).contains(kept), "{kept}");
    }
}

#[tokio::test]
async fn an_erasure_is_done_once_and_answers_the_same_ever_after() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let new = person("zeb.second@bygone.example");
    admin.post("/customers", new).await.is(201);
    admin.delete("/customers/1").await.is(204);
    let receipt = erase(&admin).await.is(200).json();
    assert_eq!(receipt["history"], 2);
    let second = json!({ "email": "second@example.com", "password": PASSWORD, "role": "admin" });
    admin.post("/users", second).await.is(201);
    let second = product.anyone();
    let second = second.signed_in("second@example.com", PASSWORD).await;
    assert_eq!(erase(&second).await.is(200).json(), receipt);
    // An answer that was lost is asked for with the version that was erased.
    let again = second.request(reqwest::Method::POST, ERASE);
    let again = Answer::of(again.header("if-match", "\"2\"")).await.is(200);
    assert_eq!(again.json(), receipt);
    let nobody = admin.get(NOBODY).await.is(200).json();
    assert_eq!(
        (&nobody["version"], &nobody["last_modified_by"]),
        (&json!(3), &json!(1))
    );
    assert!(nobody["deleted_at"].as_str() < nobody["erased_at"].as_str());
    assert_forgotten(&admin).await;

    let restored = admin.post("/customers/1/restore", json!({})).await;
    restored.problem(410, "erased");
    let made = nobody["created_at"].as_str().unwrap();
    for then in [
        format!("/customers/1?as_of={made}"),
        format!("/customers/1?as_of={made}&deleted=include"),
        "/customers/1?as_of=2999-01-01T00:00:00Z".to_owned(),
    ] {
        admin.get(&then).await.problem(410, "erased");
    }
    let whole = json!({ "name": "A", "surname": "B" });
    admin
        .put("/customers/1", whole.clone())
        .await
        .problem(404, "not_found");
    admin
        .patch("/customers/1", whole)
        .await
        .problem(404, "not_found");
    admin.delete("/customers/1").await.problem(404, "not_found");
    let photo = admin
        .put_bytes(PHOTO, "image/jpeg", sideways_jpeg(20, 10))
        .await;
    photo.problem(404, "not_found");
    let deleted = admin.get("/customers?deleted=only").await.is(200).json();
    assert_eq!(deleted["data"][0], nobody);
    assert_eq!(erase(&admin).await.is(200).json(), receipt);
}

#[tokio::test]
async fn only_an_administrator_erases_and_only_the_version_that_is_meant() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let customer = admin.customer("ada@example.com").await;
    assert_eq!(customer["erased_at"], Value::Null);
    let user = product.user("user@example.com").await;
    erase(&user).await.problem(403, "forbidden");
    erase(&product.anyone())
        .await
        .problem(401, "unauthenticated");
    admin.get(ERASE).await.problem(405, "method_not_allowed");
    let unknown = admin.post("/customers/9/erase", json!({})).await;
    unknown.problem(404, "not_found");
    let odd = admin.post("/customers/x/erase", json!({})).await;
    odd.problem(400, "malformed_path");
    let at = async |tag: &str| {
        let request = admin.request(reqwest::Method::POST, ERASE);
        Answer::of(request.header("if-match", tag)).await
    };
    let refused = at("\"2\"").await.problem(412, "version_mismatch");
    assert_eq!(refused["current"], customer);
    at("2").await.problem(400, "malformed_header");
    assert_eq!(admin.get("/customers/1").await.is(200).json(), customer);
    at("\"1\"").await.is(200);
    let trailing = admin.post("/customers/1/erase/", json!({})).await;
    trailing.is(200);
}

#[tokio::test]
async fn whoever_enters_an_erased_address_is_warned() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let enter = async |email: &str| {
        let new = person(email);
        admin.post("/customers", new).await.is(201).json()
    };
    let fresh = enter("zeb@bygone.example").await;
    assert_eq!(fresh.get("warnings"), None, "{fresh}");
    let receipt = erase(&admin).await.is(200).json();
    let warned = enter("ZEB@bygone.EXAMPLE").await;
    let warning = &warned["warnings"][0];
    assert_eq!(warning["code"], "erased_before");
    assert_eq!(warning["erased_at"], receipt["erased_at"]);
    assert!(warning["message"].as_str().unwrap().contains("was erased"));
    assert_eq!(warned["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(warned["email"], "ZEB@bygone.EXAMPLE");
    // The record itself is as any other.
    let read = admin.get("/customers/2").await.is(200).json();
    assert_eq!(read.get("warnings"), None);
    assert_eq!(enter("zebu@bygone.example").await.get("warnings"), None);
    let second = admin
        .post("/customers/2/erase", json!({}))
        .await
        .is(200)
        .json();
    let again = enter("zeb@bygone.example").await;
    assert_eq!(again["warnings"][0]["erased_at"], second["erased_at"]);
    assert!(second["erased_at"].as_str() > receipt["erased_at"].as_str());
    let erased_at = &second["erased_at"];
    // However it is entered, and whenever that is answered again.
    admin.delete("/customers/4").await.is(204);
    let keyed = async |path: &str, body: &Value| {
        let request = admin.request(reqwest::Method::POST, path).json(body);
        Answer::of(request.header("idempotency-key", path)).await
    };
    let new = person("zeb@bygone.example");
    let entered = keyed("/customers", &new).await.is(201).json();
    assert_eq!(entered["warnings"][0]["erased_at"], *erased_at);
    let replayed = keyed("/customers", &new).await.is(201);
    assert_eq!(replayed.header("idempotency-replayed"), "true");
    assert_eq!(replayed.json(), entered);
    admin.delete("/customers/5").await.is(204);
    let items = json!({ "items": [
        { "create": person("fresh@bygone.example") },
        { "create": new },
        { "update": { "id": 2, "changes": { "name": "Zeb" } } },
    ] });
    keyed("/customers/batch", &items)
        .await
        .problem(422, "batch_refused");
    let items = json!({ "items": [
        { "create": person("fresh@bygone.example") },
        { "create": new },
        { "update": { "id": 3, "changes": { "name": "Zeb" } } },
    ] });
    let results = keyed("/customers/batch", &items).await.is(200).json();
    let again = keyed("/customers/batch", &items).await.is(200).json();
    assert_eq!(results, again);
    let results = &results["results"];
    assert_eq!(results[0].get("warnings"), None, "{results}");
    assert_eq!(results[1]["warnings"][0]["erased_at"], *erased_at);
    assert_eq!(results[2].get("warnings"), None, "{results}");
    let id = results[1]["id"].as_i64().unwrap();
    admin.delete(&format!("/customers/{id}")).await.is(204);
    let path = "/customers/by-email/Zeb@bygone.example";
    let put = json!({ "name": "A", "surname": "B" });
    let made = admin.put(path, put.clone()).await.is(201).json();
    assert_eq!(made["warnings"][0]["erased_at"], *erased_at);
    let replaced = admin.put(path, put).await.is(200).json();
    assert_eq!(replaced.get("warnings"), None);
    // Also by a customer who is there already, and by one who comes back.
    admin
        .delete(&format!("/customers/{}", made["id"]))
        .await
        .is(204);
    let warns = |answer: &Value| answer["warnings"][0]["erased_at"] == *erased_at;
    let patch = async |body: Value| admin.patch("/customers/3", body).await.is(200).json();
    assert!(warns(
        &patch(json!({ "email": "zeb@bygone.example" })).await
    ));
    assert!(!warns(
        &patch(json!({ "email": "Zeb@bygone.example", "name": "Z" })).await
    ));
    assert!(!warns(
        &patch(json!({ "email": "zebu@bygone.example" })).await
    ));
    assert!(warns(
        &admin.put("/customers/3", new.clone()).await.is(200).json()
    ));
    admin.delete("/customers/3").await.is(204);
    let restored = admin.post("/customers/3/restore", json!({})).await;
    assert!(warns(&restored.is(200).json()));
    assert!(!warns(
        &patch(json!({ "email": "zebu@bygone.example" })).await
    ));
    let change = json!({ "email": "zeb@bygone.example" });
    let items = json!({ "items": [{ "update": { "id": 3, "changes": change } }] });
    let results = admin.post("/customers/batch", items).await.is(200).json();
    assert!(warns(&results["results"][0]));
    // An answer that was given is not given again once its customer is erased.
    erase_of(&admin, 5).await.is(200);
    keyed("/customers", &new).await.problem(410, "erased");
    // The address is nowhere but in a hash.
    let hash = "SELECT COUNT(*) FROM erasures WHERE LENGTH(email_hash) = 64";
    assert_eq!(number(&product.database_url(), hash).await, 3);
    let both = "SELECT COUNT(DISTINCT email_hash) FROM erasures";
    assert_eq!(number(&product.database_url(), both).await, 1);
}

#[tokio::test]
async fn a_long_history_is_cleared_to_its_first_row() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("zeb.first@bygone.example").await;
    for n in 0..420 {
        let change =
            json!({ "phone": format!("7700 900123 {n}"), "surname": format!("Zaphira {n}") });
        admin.patch("/customers/1", change).await.is(200);
    }
    let receipt = erase(&admin).await.is(200).json();
    assert_eq!(receipt["history"], 421);
    assert_forgotten(&admin).await;
    let dump = dump(&product.database_url()).await;
    assert_eq!(found(&dump), Vec::<&str>::new());
}

#[tokio::test]
async fn an_upload_that_races_with_an_erasure_leaves_no_picture() {
    let product = Product::start().await;
    let admin = product.admin().await;
    for id in 1..=12 {
        admin.customer(&format!("zeb{id}@bygone.example")).await;
        let path = format!("/customers/{id}");
        let upload = async || {
            let picture = sideways_jpeg(60, 40);
            let path = format!("{path}/photo");
            let answer = admin.put_bytes(&path, "image/jpeg", picture).await;
            assert!(
                [200, 404].contains(&answer.status.as_u16()),
                "{}",
                answer.text()
            );
        };
        let write = async || {
            for n in 0..4 {
                let change = json!({ "notes": format!("allergic to penicillin {n}") });
                let answer = admin.patch(&path, change).await;
                assert!(
                    [200, 404].contains(&answer.status.as_u16()),
                    "{}",
                    answer.text()
                );
            }
        };
        let erase = async || {
            // At another moment of the upload each time.
            tokio::time::sleep(std::time::Duration::from_millis(3 * id)).await;
            admin
                .post(&format!("{path}/erase"), json!({}))
                .await
                .is(200)
        };
        let ((), (), (), erased) = tokio::join!(upload(), upload(), write(), erase());
        assert_eq!(erased.json()["pictures"]["queued"], 0);
        let nobody = admin
            .get(&format!("{path}?deleted=include"))
            .await
            .is(200)
            .json();
        assert_eq!(
            (&nobody["photo"], &nobody["notes"]),
            (&Value::Null, &Value::Null)
        );
    }
    let left = product.pictures().ids().await;
    assert!(left.is_empty(), "{left:?}");
    let dump = dump(&product.database_url()).await;
    assert_eq!(found(&dump), Vec::<&str>::new());
}

/// `admin sweep` with pictures there; whether it ended well, and all that it said.
async fn sweep(
    product: &Product,
    env: impl IntoIterator<Item = (&'static str, String)>,
    arguments: &[&str],
) -> (bool, String) {
    let mut command = Command::new(program("admin"));
    command.arg("sweep").args(arguments).env_clear().envs(env);
    command.env("DATABASE_URL", product.database_url());
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn pictures_that_the_bucket_does_not_give_up_are_finished_by_a_sweep() {
    let (product, storage) = tokio::join!(Product::start(), Storage::start());
    let images = Instance::start(&product, "images", storage.env()).await;
    let admin = product.admin().await;
    let direct = images.client(&admin);
    let set = async |path: &str| {
        let picture = sideways_jpeg(90, 60);
        direct.put_bytes(path, "image/jpeg", picture).await.is(200);
    };
    for email in ["zeb@bygone.example", "kept@example.com"] {
        admin.customer(email).await;
    }
    // One picture was replaced while the storage was down already.
    set(PHOTO).await;
    storage.fail(ALWAYS, "DELETE", "", Fault::Status(503));
    set(PHOTO).await;
    set("/customers/2/photo").await;
    let before = storage.names().await;
    assert_eq!(before.len(), 9);

    let receipt = erase(&direct).await.is(200).json();
    assert_eq!(receipt["pictures"], json!({ "removed": 0, "queued": 2 }));
    assert_forgotten(&admin).await;
    assert_eq!(storage.names().await, before);
    assert_eq!(erase(&direct).await.is(200).json(), receipt);
    let (well, said) = sweep(&product, storage.env(), &[]).await;
    assert!(!well && said.contains("2 still to go"), "{said}");
    assert_eq!(erase(&direct).await.is(200).json(), receipt);
    storage.heal();

    storage.fail(ALWAYS, "DELETE", "", Fault::Silence);
    let begun = Instant::now();
    assert_eq!(erase(&direct).await.is(200).json(), receipt);
    assert!(begun.elapsed().as_secs() < 22, "{:?}", begun.elapsed());
    storage.heal();

    let (well, said) = sweep(&product, storage.env(), &["--dry-run"]).await;
    assert!(well && said.contains("2 would be removed"), "{said}");
    assert_eq!(storage.names().await, before);
    // One goes although the other is refused.
    storage.fail(1, "DELETE", "small.jpg", Fault::Status(403));
    let (well, said) = sweep(&product, storage.env(), &[]).await;
    assert!(!well && said.contains("1 removed, 1 still to go"), "{said}");
    let (well, said) = sweep(&product, storage.env(), &[]).await;
    assert!(
        well && said.contains("erased customers: 1 removed"),
        "{said}"
    );
    assert_eq!(storage.names().await.len(), 3, "the other customer's");
    let receipt = erase(&direct).await.is(200).json();
    assert_eq!(receipt["pictures"], json!({ "removed": 2, "queued": 0 }));
    let (well, said) = sweep(&product, storage.env(), &[]).await;
    assert!(well && !said.contains("erased customers"), "{said}");
}

#[tokio::test]
async fn an_erasure_itself_finishes_what_an_earlier_one_left() {
    let (product, storage) = tokio::join!(Product::start(), Storage::start());
    let images = Instance::start(&product, "images", storage.env()).await;
    let admin = product.admin().await;
    let direct = images.client(&admin);
    admin.customer("zeb@bygone.example").await;
    let picture = sideways_jpeg(90, 60);
    direct.put_bytes(PHOTO, "image/jpeg", picture).await.is(200);
    storage.fail(ALWAYS, "DELETE", "large.jpg", Fault::Status(403));
    let receipt = erase(&direct).await.is(200).json();
    assert_eq!(receipt["pictures"], json!({ "removed": 0, "queued": 1 }));
    storage.heal();
    let receipt = erase(&direct).await.is(200).json();
    assert_eq!(receipt["pictures"], json!({ "removed": 1, "queued": 0 }));
    assert!(storage.names().await.is_empty());
}

#[tokio::test]
async fn pictures_that_the_folder_does_not_give_up_are_finished_by_a_sweep() {
    let product = Product::all_in_one().await;
    let admin = product.admin().await;
    admin.customer("zeb@bygone.example").await;
    let picture = sideways_jpeg(90, 60);
    let photo = admin
        .put_bytes(PHOTO, "image/jpeg", picture)
        .await
        .is(200)
        .json();
    let id = photo["id"].as_str().unwrap();
    // A file where the picture's folder was cannot be removed as one; the super-user's rights do not help.
    let (place, away) = (
        product.data("pictures").join(&id[..2]).join(id),
        product.data("away"),
    );
    fs::rename(&place, &away).unwrap();
    fs::write(&place, "in the way").unwrap();
    let receipt = erase(&admin).await.is(200).json();
    assert_eq!(receipt["pictures"], json!({ "removed": 0, "queued": 1 }));
    assert_forgotten(&admin).await;
    let folder = || product.pictures().env();
    let (well, said) = sweep(&product, folder(), &[]).await;
    assert!(!well && said.contains("1 still to go"), "{said}");
    fs::remove_file(&place).unwrap();
    fs::rename(&away, &place).unwrap();
    let (well, said) = sweep(&product, folder(), &[]).await;
    assert!(
        well && said.contains("erased customers: 1 removed"),
        "{said}"
    );
    assert!(product.pictures().ids().await.is_empty());
    let receipt = erase(&admin).await.is(200).json();
    assert_eq!(receipt["pictures"], json!({ "removed": 1, "queued": 0 }));
}
