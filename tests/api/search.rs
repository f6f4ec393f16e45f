//! Search: whom the words of a query find. The same on both databases, since both are asked the same here.

use crate::customers::ids;
use serde_json::json;
use tests::{Client, Product};

const CUSTOMERS: [(&str, &str, &str); 20] = [
    ("José", "Núñez", "jose.nunez@correo.example.es"),
    ("Jürgen", "Müller", "jm@firma.example.de"),
    ("Ωμέγα", "Παπαδόπουλος", "omega@example.gr"),
    ("Иван", "Иванов", "ivanov@example.ru"),
    ("小明", "王", "wang@example.cn"),
    ("Siobhán", "O'Brien", "s.obrien@example.ie"),
    ("Anne-Marie", "D’Angelo", "anne_marie@example.it"),
    ("Søren", "Łukasz", "soren+crm@example.dk"),
    ("Straße", "Groß", "sg@example.at"),
    ("Nguyễn", "Thị Minh Khai", "khai@example.vn"),
    ("محمد", "العربي", "muhammad@example.ae"),
    ("שָׁלוֹם", "כהן", "cohen@example.il"),
    ("प्रिया", "शर्मा", "priya@example.in"),
    ("สมชาย", "ใจดี", "somchai@example.th"),
    ("민준", "김", "minjun@example.kr"),
    ("さくら", "田中", "sakura@example.jp"),
    ("İrem", "Yıldız", "irem@example.tr"),
    ("José", "Muñoz de la Núñez", "pepe77@example.mx"),
    ("%", "_", "like@example.org"),
    ("Maria", "Marin", "maria@marina.example.com"),
];

async fn filled(client: &Client) {
    for (name, surname, email) in CUSTOMERS {
        let new = json!({ "name": name, "surname": surname, "email": email });
        client.post("/customers", new).await.is(201);
    }
}

#[tokio::test]
async fn each_word_begins_a_word_of_name_surname_or_email_without_case_and_accents() {
    let product = Product::start().await;
    let admin = product.admin().await;
    filled(&admin).await;
    let all: Vec<i64> = (1..=20).collect();
    let mut wrong = Vec::new();
    for (asked, expected) in [
        ("jose nunez", &[1, 18][..]),
        ("NÚÑEZ  JOSÉ", &[1, 18]),
        ("jo nu", &[1, 18]),
        ("j", &[1, 2, 16, 18]),
        ("J", &[1, 2, 16, 18]),
        ("muller", &[2]),
        ("Müller", &[2]),
        ("mu", &[2, 11, 18]),
        ("Ωμέγα", &[3]),
        ("ΩΜΕΓΑ ΠΑΠΑΔΟΠΟΥΛΟΣ", &[3]),
        ("παπαδοπουλος", &[3]),
        ("Иванов", &[4]),
        ("иван иванов", &[4]),
        ("ИВ", &[4]),
        ("王小明", &[5]),
        ("王小", &[5]),
        ("王", &[5]),
        ("小明", &[5]),
        ("王 小明", &[5]),
        ("明", &[]),
        ("obrien", &[6]),
        ("O'Brien", &[6]),
        ("o’br siob", &[6]),
        ("brien", &[6]),
        ("angelo", &[7]),
        ("d'ang anne", &[7]),
        ("marie", &[7]),
        ("anne-marie", &[7]),
        ("soren lukasz", &[8]),
        ("Søren ŁUK crm", &[8]),
        ("strasse gross", &[9]),
        ("STRASSE GROSS", &[9]),
        ("nguyen thi minh khai", &[10]),
        ("khai", &[10]),
        ("محمد", &[11]),
        ("מ", &[]),
        ("שלום כהן", &[12]),
        ("प्रि", &[13]),
        ("สมชาย", &[14]),
        ("김민준", &[15]),
        ("김", &[15]),
        ("田中さくら", &[16]),
        ("田", &[16]),
        ("irem yildiz", &[17]),
        ("İREM YILDIZ", &[17]),
        ("jose.nunez@correo", &[1]),
        ("jose.nunez@correo.example.es", &[1]),
        ("correo", &[1]),
        ("pepe", &[18]),
        ("pepe77", &[18]),
        ("pepe7 la de", &[18]),
        ("epe", &[]),
        ("77", &[]),
        ("maria marin marina", &[20]),
        ("marina", &[20]),
        ("mar mari", &[20, 7]),
        ("marinas", &[]),
        ("example", &all),
        ("ex com", &[20]),
        ("%", &[]),
        ("_ '", &[]),
        ("  ", &all),
        ("o´brien", &[6]),
        ("siobhan obrien", &[6]),
        ("obri siob", &[6]),
        ("siobhan obr", &[6]),
        ("siobhan obrien angelo", &[]),
        ("anne mari dang", &[7]),
        ("soren crm example", &[8]),
        ("omega παπαδο", &[3]),
        ("小 王", &[5]),
        ("王小 小明", &[5]),
        ("田中 さくら", &[16]),
        ("김 민", &[15]),
        ("김 田", &[]),
        ("nobody", &[]),
        ("jose nobody", &[]),
        ("a\"b) OR 1=1 --", &[]),
    ] {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        for order in ["id", "-id", "name", "-last_modified_at"] {
            let query = [("q", asked), ("sort", order)];
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(query)
                .finish();
            let mut found = ids(&admin
                .get(&format!("/customers?{query}"))
                .await
                .is(200)
                .json());
            found.sort_unstable();
            if found != expected {
                wrong.push(format!("{asked} by {order}: {found:?}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_change_is_found_at_once_and_what_it_replaced_no_more() {
    let product = Product::start().await;
    let admin = product.admin().await;
    filled(&admin).await;
    let found = async |asked: &str| {
        ids(&admin
            .get(&format!("/customers?{asked}"))
            .await
            .is(200)
            .json())
    };
    admin
        .patch("/customers/1", json!({ "surname": "Zapatero" }))
        .await
        .is(200);
    assert_eq!(found("q=zapatero").await, [1]);
    assert_eq!(found("q=zapatero+jos").await, [1]);
    assert_eq!(found("q=nunez").await, [1, 18]); // The address still has it.
    admin
        .patch("/customers/1", json!({ "email": "j@example.es" }))
        .await
        .is(200);
    assert_eq!(found("q=nunez").await, [18]);
    assert_eq!(found("q=nun+jos").await, [18]);
    admin.delete("/customers/1").await.is(204);
    assert_eq!(found("q=zapatero").await, [0; 0]);
    assert_eq!(found("q=zap&deleted=only").await, [1]);
    assert_eq!(found("q=zap&deleted=include").await, [1]);
    admin.post("/customers/1/restore", json!({})).await.is(200);
    assert_eq!(found("q=zapat").await, [1]);
    assert_eq!(found("q=zapat&deleted=only").await, [0; 0]);
}

#[tokio::test]
async fn a_name_of_any_length_is_found_by_its_beginning() {
    let product = Product::start().await;
    let admin = product.admin().await;
    let word = "Ü".repeat(120);
    let many = (0..30)
        .map(|n| format!("w{n}"))
        .collect::<Vec<_>>()
        .join(" ");
    let new = json!({ "name": word, "surname": many, "email": format!("{}@example.com", "a.".repeat(30) + "z") });
    admin.post("/customers", new).await.is(201);
    for asked in [
        "u".repeat(120),
        "u".repeat(61),
        "uu".to_owned(),
        "w0 w19 uuu".to_owned(),
        "w2".to_owned(),
    ] {
        let page = admin
            .get(&format!("/customers?q={}", asked.replace(' ', "+")))
            .await
            .is(200);
        assert_eq!(ids(&page.json()), [1], "{asked}");
    }
}
