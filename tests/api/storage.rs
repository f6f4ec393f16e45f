//! Pictures in Google Cloud Storage, on an emulator behind a proxy that breaks connections; and sweeping up.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};
use tests::{
    Answer, Client, Instance, Product,
    database::{execute, number},
    photo::{assert_upright, png, sideways_jpeg},
    plain,
    process::program,
    storage::{BUCKET, Fault, Storage},
};
use tokio::process::Command;

const PHOTO: &str = "/customers/1/photo";
const SIZES: [&str; 3] = ["small", "medium", "large"];
const ALWAYS: usize = usize::MAX;
/// What an answer may take when the storage does not: the upload's patience, and that of clearing up after it.
const BOUND: Duration = Duration::from_secs(22);

/// A product with one customer, whose pictures are in the emulator.
struct Rig {
    product: Product,
    storage: Storage,
    images: Instance,
    /// The administrator, at the product's gateway.
    admin: Client,
    /// The administrator, at the images function.
    direct: Client,
}

impl Rig {
    async fn start() -> Self {
        let (product, storage) = tokio::join!(Product::start(), Storage::start());
        let images = Instance::start(&product, "images", storage.env()).await;
        let admin = product.admin().await;
        admin.customer("ada@example.com").await;
        let direct = images.client(&admin);
        Self {
            product,
            storage,
            images,
            admin,
            direct,
        }
    }

    async fn put(&self, bytes: Vec<u8>) -> Answer {
        self.direct.put_bytes(PHOTO, "image/jpeg", bytes).await
    }

    /// Gives the customer a photo; gives its record.
    async fn set(&self) -> Value {
        self.put(sideways_jpeg(900, 600)).await.is(200).json()
    }

    /// One size of a photo, by its signed address, without a token.
    async fn look(&self, photo: &Value, size: &str) -> Answer {
        let address = self.images.address(&photo[size]);
        Answer::of(plain(false).get(address)).await
    }

    /// Asserts that a photo is the customer's and can be seen in every size.
    async fn has(&self, photo: &Value) {
        let customer = self.admin.get("/customers/1").await.is(200).json();
        assert_eq!(customer["photo"], *photo);
        for (size, expected) in SIZES.into_iter().zip([(128, 128), (512, 512), (600, 900)]) {
            assert_upright(&self.look(photo, size).await.is(200).bytes, expected);
        }
    }

    /// What `admin sweep` says.
    async fn sweep(&self, arguments: &[&str]) -> String {
        sweep(&self.product, self.storage.env(), arguments).await
    }
}

async fn sweep(
    product: &Product,
    env: impl IntoIterator<Item = (&'static str, String)>,
    arguments: &[&str],
) -> String {
    let mut command = Command::new(program("admin"));
    let command = command.arg("sweep").args(arguments).env_clear().envs(env);
    let command = command.env("DATABASE_URL", product.database_url());
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The objects that a photo is kept in, in order.
fn objects(photo: &Value) -> Vec<String> {
    let mut names = SIZES.map(|size| format!("{}/{size}.jpg", photo["id"].as_str().unwrap()));
    names.sort_unstable();
    names.to_vec()
}

#[tokio::test]
async fn a_picture_in_the_bucket_is_private_and_whole_and_goes_with_its_row() {
    let rig = Rig::start().await;
    let photo = rig.set().await;
    rig.has(&photo).await;
    assert_eq!(rig.storage.names().await, objects(&photo));
    for object in rig.storage.objects().await {
        assert_eq!(object["cacheControl"], "private");
        assert!(!object["acl"].to_string().contains("allUsers"), "{object}");
    }
    // The emulator forgets the type, and keeps what it has not checked: what counts is what it was asked.
    let uploads = rig.storage.uploads();
    assert_eq!(uploads.len(), 3);
    for upload in uploads {
        assert!(upload.contains("ifGenerationMatch=0"), "{upload}");
        assert!(upload.contains(r#""contentType":"image/jpeg""#), "{upload}");
        assert!(upload.contains(r#""crc32c":""#), "{upload}");
        assert!(!upload.contains("predefinedAcl"), "{upload}");
    }
    let led = rig.direct.get(PHOTO).await.is(303);
    assert_eq!(led.header("location"), photo["medium"].as_str().unwrap());
    let head = plain(false).head(rig.images.address(&photo["large"]));
    let head = Answer::of(head).await.is(200);
    assert_eq!(head.header("content-type"), "image/jpeg");

    let second = rig.set().await;
    rig.has(&second).await;
    assert_eq!(rig.storage.names().await, objects(&second));
    let old = rig.look(&photo, "small").await;
    old.problem(404, "not_found");

    rig.direct.delete(PHOTO).await.is(204);
    assert!(rig.storage.names().await.is_empty());
    rig.look(&second, "small").await.problem(404, "not_found");
    rig.direct.get(PHOTO).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed() {
    let rig = Rig::start().await;
    for (times, fault) in [
        (2, Fault::Status(503)),
        (1, Fault::Status(429)),
        (1, Fault::CutUpload),
        (1, Fault::LostAnswer),
        (1, Fault::Silence),
    ] {
        rig.storage.fail(times, "POST", "large.jpg", fault);
        rig.storage.fail(1, "POST", "small.jpg", fault);
        rig.storage
            .fail(1, "DELETE", "medium.jpg", Fault::Status(503));
        let photo = rig.set().await;
        rig.has(&photo).await;
        assert_eq!(rig.storage.names().await, objects(&photo), "{fault:?}");
        rig.storage.heal();
    }
    let photo = rig.set().await;
    let large = rig.look(&photo, "large").await.is(200).bytes;
    for (times, fault) in [
        (2, Fault::Status(503)),
        (1, Fault::Silence),
        (1, Fault::CutDownload),
        (1, Fault::LostAnswer),
        (1, Fault::Flipped),
    ] {
        rig.storage.fail(times, "GET", "large.jpg", fault);
        let seen = rig.look(&photo, "large").await.is(200);
        assert!(seen.bytes == large, "{fault:?}");
        assert_eq!(rig.storage.heal(), 0, "{fault:?} happened");
    }
}

#[tokio::test]
async fn the_old_picture_survives_a_fault_that_stays() {
    let rig = Rig::start().await;
    let photo = rig.set().await;
    for (fault, target) in [
        (Fault::Status(503), "/upload/"),
        (Fault::Status(403), "large.jpg"),
        (Fault::CutUpload, "large.jpg"),
        (Fault::LostAnswer, "small.jpg"),
        (Fault::Silence, "large.jpg"),
    ] {
        rig.storage.fail(ALWAYS, "POST", target, fault);
        let begun = Instant::now();
        let refused = rig.put(sideways_jpeg(640, 480)).await;
        assert!(begun.elapsed() < BOUND, "{fault:?}: {:?}", begun.elapsed());
        assert_eq!(refused.header("retry-after"), "2", "{fault:?}");
        refused.problem(503, "unavailable");
        rig.storage.heal();
        rig.has(&photo).await;
        assert_eq!(rig.storage.names().await, objects(&photo), "{fault:?}");
    }
    for fault in [
        Fault::Status(500),
        Fault::Status(401),
        Fault::CutDownload,
        Fault::Flipped,
        Fault::Silence,
    ] {
        rig.storage.fail(ALWAYS, "GET", "large.jpg", fault);
        let begun = Instant::now();
        let refused = rig.look(&photo, "large").await;
        assert!(begun.elapsed() < BOUND, "{fault:?}: {:?}", begun.elapsed());
        refused.problem(503, "unavailable");
        rig.storage.heal();
    }
    rig.has(&photo).await;
}

/// Replaces a photo while every request from the nth on breaks: three bring the new one, three take the old one away.
async fn breaks_from(nth: usize, fault: Fault) {
    let rig = Rig::start().await;
    let old = rig.set().await;
    rig.storage.fail_from(nth, fault);
    let begun = Instant::now();
    let answer = rig.put(sideways_jpeg(900, 600)).await;
    let told = format!("{fault:?} from {nth}: {}", answer.text());
    assert!(begun.elapsed() < BOUND, "{told}: {:?}", begun.elapsed());
    let passed = rig.storage.heal() < usize::MAX;
    assert!(passed || nth > 6, "{told}: it happened");
    let photo = match answer.status.as_u16() {
        200 => answer.json(),
        _ => {
            answer.problem(503, "unavailable");
            assert!(nth <= 3, "{told}");
            old
        }
    };
    rig.has(&photo).await;
    rig.sweep(&["--older-than", "0"]).await;
    assert_eq!(rig.storage.names().await, objects(&photo), "{told}");
    let again = rig.set().await;
    rig.has(&again).await;
    assert_eq!(rig.storage.names().await, objects(&again), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_whole_or_refused_wherever_the_storage_breaks() {
    for fault in [
        Fault::Slow,
        Fault::Status(503),
        Fault::CutUpload,
        Fault::LostAnswer,
        Fault::Silence,
    ] {
        join_all((1..=7).map(|nth| breaks_from(nth, fault))).await;
    }
}

#[tokio::test]
async fn a_sweep_finds_what_faults_left_behind() {
    let rig = Rig::start().await;
    // The upload broke and could not be cleared up; the next one replaced nothing; then an old one could not go.
    rig.storage.fail(ALWAYS, "DELETE", "", Fault::Status(503));
    rig.storage
        .fail(ALWAYS, "POST", "large.jpg", Fault::CutUpload);
    let refused = rig.put(sideways_jpeg(640, 480)).await;
    refused.problem(503, "unavailable");
    rig.storage.heal();
    rig.storage.fail(ALWAYS, "DELETE", "", Fault::Silence);
    rig.set().await;
    let photo = rig.set().await;
    rig.storage.heal();
    rig.has(&photo).await;
    let left = rig.storage.names().await;
    assert_eq!(left.len(), 2 + 3 + 3, "{left:?}");

    let young = rig.sweep(&[]).await;
    assert!(
        young.contains("Pictures: 0 removed, 0 kept, 3 too young"),
        "{young}"
    );
    let dry = rig.sweep(&["--older-than", "0", "--dry-run"]).await;
    assert!(
        dry.contains("Pictures: 2 would be removed, 1 kept, 0 too young"),
        "{dry}"
    );
    assert_eq!(rig.storage.names().await, left);

    // More than one page of objects, and some that are not ours.
    let id = photo["id"].as_str().unwrap();
    for number in 0..1000 {
        rig.storage.add(&format!("{id}/{number:04}.jpg")).await;
    }
    let last = format!("{}/large.jpg", "f".repeat(32));
    for name in ["readme.txt", "x/y.jpg", &last] {
        rig.storage.add(name).await;
    }
    rig.storage.fail(2, "GET", "/o?", Fault::Status(503));
    let swept = rig.sweep(&["--older-than", "0"]).await;
    assert_eq!(rig.storage.heal(), 0);
    assert!(
        swept.contains("Pictures: 3 removed, 1 kept, 0 too young"),
        "{swept}"
    );
    assert!(swept.contains("Left alone: 2 things"), "{swept}");
    let mut names = rig.storage.names().await;
    names.retain(|name| SIZES.iter().any(|size| name.contains(size)));
    assert_eq!(names, objects(&photo));
    rig.has(&photo).await;
}

#[tokio::test]
async fn a_deleted_customer_keeps_the_picture() {
    let rig = Rig::start().await;
    let photo = rig.set().await;
    rig.admin.delete("/customers/1").await.is(204);
    let swept = rig.sweep(&["--older-than", "0"]).await;
    assert!(swept.contains("Pictures: 0 removed, 1 kept"), "{swept}");
    rig.admin
        .post("/customers/1/restore", json!({}))
        .await
        .is(200);
    rig.has(&photo).await;
}

#[tokio::test]
async fn a_folder_is_swept_as_a_bucket_is() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path();
    let env = || [("IMAGES_DIR", folder.display().to_string())];
    let images = Instance::start(&product, "images", env()).await;
    let client = images.client(&admin);
    let set = client.put_bytes(PHOTO, "image/png", png(9, 6)).await;
    let photo = set.is(200).json();
    let forgotten = [
        format!("ff/{}", "f".repeat(32)),
        format!("unfinished/{}", "e".repeat(32)),
    ];
    for picture in forgotten.iter().chain([&"ff/notes".to_owned()]) {
        fs::create_dir_all(folder.join(picture)).unwrap();
    }
    let young = sweep(&product, env(), &[]).await;
    assert!(
        young.contains("Pictures: 0 removed, 0 kept, 3 too young"),
        "{young}"
    );
    let dry = sweep(&product, env(), &["--older-than", "0", "--dry-run"]).await;
    assert!(
        dry.contains("Pictures: 2 would be removed, 1 kept"),
        "{dry}"
    );
    assert!(
        forgotten
            .iter()
            .all(|picture| folder.join(picture).exists())
    );
    let swept = sweep(&product, env(), &["--older-than", "0"]).await;
    assert!(swept.contains("Pictures: 2 removed, 1 kept"), "{swept}");
    assert!(swept.contains("Left alone: 1 things"), "{swept}");
    assert!(
        !forgotten
            .iter()
            .any(|picture| folder.join(picture).exists())
    );
    let large = plain(false).get(images.address(&photo["large"]));
    Answer::of(large).await.is(200);
}

#[tokio::test]
async fn a_sweep_forgets_sessions_that_have_long_been_over() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let url = product.database_url();
    let now = number(&url, "SELECT MAX(created_at) FROM sessions").await;
    let ago = |days: i64| now - days * 24 * 60 * 60 * 1_000_000;
    // Made, used and ended so many days ago. Unused for 30 days, or 90 days old, a session is over by itself.
    for (index, (made, used, ended, forgotten)) in [
        (100, 91, Some(91), true),
        (100, 89, Some(89), false),
        (121, 121, None, true),
        (119, 119, None, false),
        (181, 100, None, true),
        (179, 100, None, false),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("{index:032}");
        let ended = ended.map_or("NULL".to_owned(), |days| ago(days).to_string());
        let sql = format!(
            "INSERT INTO sessions (id, user_id, counter, created_at, refreshed_at, ended_at, user_agent) \
            VALUES ('{id}', 1, 0, {}, {}, {ended}, '{forgotten}')",
            ago(made),
            ago(used)
        );
        assert_eq!(execute(&url, &sql).await, 1);
    }
    let count = "SELECT COUNT(*) FROM sessions";
    let env = || product.pictures().env();
    let dry = sweep(&product, env(), &["--dry-run"]).await;
    assert!(
        dry.contains("over for 90 days: 3 would be removed"),
        "{dry}"
    );
    assert_eq!(number(&url, count).await, 7);
    let swept = sweep(&product, env(), &[]).await;
    assert!(swept.contains("over for 90 days: 3 removed"), "{swept}");
    let wrong = format!("{count} WHERE user_agent = 'true'");
    assert_eq!(
        (number(&url, count).await, number(&url, &wrong).await),
        (4, 0)
    );
    admin.get("/me").await.is(200);
}

#[tokio::test]
async fn a_start_asks_the_storage_nothing() {
    let product = Product::start().await;
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    let nobody = ("STORAGE_ENDPOINT", "http://127.0.0.1:9".to_owned());
    let bucket = ("GOOGLE_BUCKET", BUCKET.to_owned());
    let unreadable = ("GOOGLE_APPLICATION_CREDENTIALS", "nowhere".to_owned());
    for other in [nobody, unreadable] {
        let images = Instance::start(&product, "images", [bucket.clone(), other]).await;
        let client = images.client(&admin);
        client.get("/health/live").await.is(200);
        client.get("/health/images").await.is(200);
        let begun = Instant::now();
        let refused = client.put_bytes(PHOTO, "image/png", png(9, 6)).await;
        assert!(begun.elapsed() < BOUND);
        refused.problem(503, "unavailable");
        let customer = admin.get("/customers/1").await.is(200).json();
        assert_eq!(customer["photo"], Value::Null);
    }
}

#[tokio::test]
async fn where_pictures_are_kept_is_said_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path().to_str().unwrap();
    for (env, reason) in [
        (&[][..], "IMAGES_DIR is not set, nor is GOOGLE_BUCKET"),
        (
            &[("IMAGES_DIR", folder), ("GOOGLE_BUCKET", BUCKET)],
            "IMAGES_DIR and GOOGLE_BUCKET are both set",
        ),
        (
            &[("GOOGLE_BUCKET", "gs://crm")],
            "GOOGLE_BUCKET must be a bucket's name alone",
        ),
        (
            &[
                ("IMAGES_DIR", folder),
                ("STORAGE_ENDPOINT", "http://127.0.0.1:1"),
            ],
            "STORAGE_ENDPOINT is of use with GOOGLE_BUCKET alone",
        ),
        (
            &[
                ("GOOGLE_BUCKET", BUCKET),
                ("STORAGE_ENDPOINT", "127.0.0.1:1"),
            ],
            "STORAGE_ENDPOINT must be an emulator's origin",
        ),
        (
            &[
                ("GOOGLE_BUCKET", BUCKET),
                ("STORAGE_ENDPOINT", "http://a/b"),
            ],
            "STORAGE_ENDPOINT must be an emulator's origin",
        ),
    ] {
        for (name, other) in [
            ("images", "IMAGE_URL_KEYS is not set"),
            ("admin", "DATABASE_URL is not set"),
        ] {
            let mut command = Command::new(program(name));
            let arguments = if name == "admin" { &["sweep"][..] } else { &[] };
            let command = command
                .args(arguments)
                .env_clear()
                .envs(env.iter().copied());
            let output = command.stdin(Stdio::null()).output().await.unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success());
            for reason in [reason, other] {
                assert!(said.contains(&format!("\n  {reason}")), "{name}: {said}");
            }
        }
    }
}
