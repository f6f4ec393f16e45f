//! Pieces of erased customers in SQLite's file, in the gaps that its pages have after rows were moved.

use serde_json::{Value, json};
use std::collections::HashSet;
use tests::{
    Client, Product,
    database::{dump, execute, number},
    process::Process,
};

const REMNANTS: &str = "SELECT COUNT(*) FROM erasures WHERE remnants > 0";
/// More than an erasure writes anew at once.
const FILLER: &str = "CREATE TABLE filler AS SELECT zeroblob(70000000) AS filling";
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwz";
const LENGTH: usize = 14;

/// Makes up words, the same in every run.
struct Words(u64);

impl Words {
    fn next(&mut self) -> String {
        let letter = |_| {
            // Knuth's MMIX.
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(LETTERS[(self.0 >> 33) as usize % LETTERS.len()])
        };
        (0..LENGTH).map(letter).collect()
    }
}

/// Which of the words are in these bytes, in either case.
fn found(bytes: &[u8], words: &HashSet<String>) -> HashSet<String> {
    let (mut found, mut run) = (HashSet::new(), 0);
    for (end, byte) in bytes.iter().enumerate() {
        run = if byte.is_ascii_alphabetic() {
            run + 1
        } else {
            0
        };
        if run >= LENGTH {
            let word = bytes[end + 1 - LENGTH..=end].to_ascii_lowercase();
            let word = String::from_utf8(word).unwrap();
            if words.contains(&word) {
                found.insert(word);
            }
        }
    }
    found
}

async fn sweep(product: &Product, arguments: &[&str]) -> String {
    let mut env = product.pictures().env();
    env.push(("DATABASE_URL", product.database_url()));
    Process::output("admin", &[&["sweep"], arguments].concat(), &env, "").await
}

/// Sends items in batches as large as may be.
async fn batches(admin: &Client, items: &[Value]) {
    for piece in items.chunks(200) {
        let batch = json!({ "items": piece });
        admin.post("/customers/batch", batch).await.is(200);
    }
}

#[tokio::test]
async fn no_piece_of_the_erased_is_left_where_rows_were_moved() {
    const COUNT: i64 = 1_500;
    let product = Product::all_in_one().await;
    let admin = product.admin().await;
    let mut words = Words(7);
    let mut of = vec![Vec::new(); COUNT as usize + 1];
    let (mut creates, mut updates) = (Vec::new(), Vec::new());
    for id in 1..=COUNT {
        let [local, domain, name, surname, note, other, again] = [(); 7].map(|()| words.next());
        creates.push(json!({ "create": {
            "email": format!("{local}@{domain}.example"), "name": name, "surname": surname,
            "notes": format!("{note} ").repeat(1 + id as usize % 60),
        } }));
        let changes = json!({ "surname": other, "email": format!("{again}@{domain}.example") });
        updates.push(json!({ "update": { "id": id, "changes": changes } }));
        of[id as usize] = vec![local, domain, name, surname, note, other, again];
    }
    batches(&admin, &creates).await;
    batches(&admin, &updates).await;
    let url = product.database_url();
    let sqlite = url.starts_with("sqlite:");
    if sqlite {
        execute(&url, FILLER).await;
    }
    let erased: Vec<i64> = (1..COUNT).filter(|id| id % 3 == 0).collect();
    for id in &erased {
        let path = format!("/customers/{id}/erase");
        admin.post(&path, json!({})).await.is(200);
    }
    let secrets: HashSet<String> = erased
        .iter()
        .flat_map(|id| of[*id as usize].clone())
        .collect();
    let left = found(&dump(&url).await, &secrets);
    if sqlite {
        assert!(
            !left.is_empty(),
            "the test shows nothing: SQLite leaves no pieces in a file that is not written anew"
        );
        assert_eq!(number(&url, REMNANTS).await, erased.len() as i64);
        execute(&url, "DROP TABLE filler").await;
    } else {
        assert_eq!(left, HashSet::new());
    }
    // One more, now that the file is small: all are gone with it.
    admin
        .post(&format!("/customers/{COUNT}/erase"), json!({}))
        .await
        .is(200);
    assert_eq!(number(&url, REMNANTS).await, 0);
    let dump = dump(&url).await;
    assert_eq!(found(&dump, &secrets), HashSet::new());
    let kept: HashSet<String> = of[1].iter().cloned().collect();
    assert_eq!(found(&dump, &kept), kept);
}

#[tokio::test]
async fn a_sweep_writes_a_large_file_anew_after_an_erasure() {
    let product = Product::all_in_one().await;
    let url = product.database_url();
    let admin = product.admin().await;
    admin.customer("ada@example.com").await;
    assert!(!sweep(&product, &[]).await.contains("Remnants"));
    if !url.starts_with("sqlite:") {
        admin.post("/customers/1/erase", json!({})).await.is(200);
        assert_eq!(number(&url, REMNANTS).await, 0);
        assert!(!sweep(&product, &[]).await.contains("Remnants"));
        return;
    }
    execute(&url, FILLER).await;
    admin.post("/customers/1/erase", json!({})).await.is(200);
    let said = sweep(&product, &["--dry-run"]).await;
    assert!(said.contains("would be written anew"), "{said}");
    assert_eq!(number(&url, REMNANTS).await, 1);
    let said = sweep(&product, &[]).await;
    assert!(said.contains("was written anew"), "{said}");
    assert_eq!(number(&url, REMNANTS).await, 0);
    assert!(!sweep(&product, &[]).await.contains("Remnants"));
    admin.customer("ada@example.com").await;
}
