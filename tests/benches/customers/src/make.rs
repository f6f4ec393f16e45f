//! Writing the customers into a database, in bulk, as the product would have written them one by one.

mod index;

use crate::people::{People, Person, USERS};
use anyhow::Context as _;
use index::Index;
use ring::digest::{Context, SHA256};
use serde_json::{Map, Value, json};
use shared::{
    customer::search::{Folded, terms},
    db::{Db, Tx},
    email, on_lent, on_tx,
};
use sqlx::QueryBuilder;

/// What the customers are made from.
const SEED: u64 = 20_261_126;
/// The session of whoever asks: of the first user.
pub(crate) const SESSION: &str = "be9c0000000000000000000000000001";
/// How many customers, and how many terms, one statement inserts; and how many statements are committed together.
const CUSTOMERS: usize = 500;
const TERMS: usize = 8_000;
const STATEMENTS: usize = 50;

/// Tells one made database from another: changes with the schema, the people, and what search writes of them.
pub(crate) fn fingerprint() -> String {
    let mut context = Context::new(&SHA256);
    let schemas = [
        sqlx::migrate!("../../../migrations/mysql"),
        sqlx::migrate!("../../../migrations/sqlite"),
    ];
    for schema in &schemas {
        schema
            .iter()
            .for_each(|migration| context.update(&migration.checksum));
    }
    for person in People::new(SEED, 1_000) {
        let folded = person.folded();
        let all = format!("{person:?} {folded:?} {:?}", terms(&folded.search_text));
        context.update(all.as_bytes());
    }
    let digest = context.finish();
    let begin = digest.as_ref().iter().take(8);
    begin.map(|byte| format!("{byte:02x}")).collect()
}

/// Makes so many customers in an empty database, and the users who made them.
pub(crate) async fn make(db: &Db, rows: usize) -> anyhow::Result<()> {
    db.migrate().await?;
    prepare(db).await?;
    users(db).await?;
    let mut index = Index::default();
    let mut batch = Batch::new(db);
    let mut people = People::new(SEED, rows).zip(1_i64..).peekable();
    while people.peek().is_some() {
        let some: Vec<Written> = people
            .by_ref()
            .take(CUSTOMERS)
            .map(|(person, id)| Written::of(person, id))
            .collect();
        for written in &some {
            index.add(written)?;
        }
        let tx = batch.next().await?;
        customers(tx, &some).await?;
        events(tx, &some).await?;
    }
    let sorted = index.sorted();
    for some in sorted.keys.chunks(TERMS) {
        let rows: Vec<_> = some.iter().map(|key| sorted.row(*key)).collect();
        insert_terms(batch.next().await?, &rows).await?;
    }
    batch.finish().await
}

/// Statements that are committed together.
struct Batch<'a> {
    db: &'a Db,
    tx: Option<Tx>,
    statements: usize,
}

impl<'a> Batch<'a> {
    const fn new(db: &'a Db) -> Self {
        Self {
            db,
            tx: None,
            statements: 0,
        }
    }

    async fn next(&mut self) -> anyhow::Result<&mut Tx> {
        self.statements += 1;
        if self.statements.is_multiple_of(STATEMENTS)
            && let Some(tx) = self.tx.take()
        {
            tx.commit().await?;
        }
        if self.tx.is_none() {
            self.tx = Some(self.db.begin().await?);
        }
        self.tx.as_mut().context("begun")
    }

    async fn finish(self) -> anyhow::Result<()> {
        match self.tx {
            Some(tx) => Ok(tx.commit().await?),
            None => Ok(()),
        }
    }
}

/// SQLite keeps the pages that it changes in memory until it is told otherwise: an index is filled in no order.
async fn prepare(db: &Db) -> sqlx::Result<()> {
    if let Db::Sqlite(pools) = db {
        const SQL: &str = "PRAGMA cache_size = -2000000";
        on_lent!(&mut pools.writer.lend().await?, connection => sqlx::query(SQL).execute(connection).await)
            .await?;
    }
    Ok(())
}

/// The users, and the session of the first.
pub(crate) async fn users(db: &Db) -> sqlx::Result<()> {
    const USER: &str = "INSERT INTO users (id, email, email_key, role, status, created_at) VALUES (?, ?, ?, ?, 'active', 0)";
    const SIGNED_IN: &str = "INSERT INTO sessions (id, user_id, counter, created_at, refreshed_at) VALUES (?, 1, 0, 0, 0)";
    let mut tx = db.begin().await?;
    for user in 1..=i64::try_from(USERS).unwrap_or_default() {
        let address = format!("user{user}@example.com");
        let role = if user == 1 { "admin" } else { "user" };
        on_tx!(&mut tx, conn => sqlx::query(USER).bind(user).bind(&address).bind(&address).bind(role)
            .execute(conn).await.map(drop))?;
    }
    on_tx!(&mut tx, conn => sqlx::query(SIGNED_IN).bind(SESSION).execute(conn).await.map(drop))?;
    tx.commit().await
}

impl Person {
    fn folded(&self) -> Folded {
        Folded::of(&self.name, &self.surname, &self.email)
    }

    /// How often it was written after it was made, and what the last write did.
    fn last_action(&self) -> Option<&'static str> {
        match (
            self.deleted,
            self.photo.is_some(),
            self.last_modified_at > self.created_at,
        ) {
            (true, ..) => Some("deleted"),
            (_, true, _) => Some("photo_set"),
            (_, _, true) => Some("updated"),
            _ => None,
        }
    }
}

/// A customer with what is made from it.
struct Written {
    id: i64,
    person: Person,
    folded: Folded,
}

impl Written {
    fn of(person: Person, id: i64) -> Self {
        let folded = person.folded();
        Self { id, person, folded }
    }

    fn version(&self) -> i64 {
        if self.person.last_action().is_some() {
            2
        } else {
            1
        }
    }
}

async fn customers(tx: &mut Tx, some: &[Written]) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO customers (id, email, email_key, name, surname, phone, notes, photo_id, \
        photo_width, photo_height, created_by, last_modified_by, created_at, last_modified_at, version, \
        deleted_at, email_order, name_order, surname_order, search_text, terms_version, deleted, photographed) ";
    on_tx!(tx, conn => {
        let mut query = QueryBuilder::new(SQL);
        query.push_values(some, |mut row, written| {
            let Written { id, person, folded } = written;
            let key = (!person.deleted).then(|| email::key(&person.email));
            row.push_bind(id).push_bind(&person.email).push_bind(key)
                .push_bind(&person.name).push_bind(&person.surname)
                .push_bind(&person.phone).push_bind(person.notes).push_bind(&person.photo)
                .push_bind(person.photo.as_ref().map(|_| 2_048_i64))
                .push_bind(person.photo.as_ref().map(|_| 1_536_i64))
                .push_bind(person.created_by).push_bind(person.created_by)
                .push_bind(person.created_at).push_bind(person.last_modified_at)
                .push_bind(written.version())
                .push_bind(person.deleted.then_some(person.last_modified_at))
                .push_bind(&folded.email_order).push_bind(&folded.name_order)
                .push_bind(&folded.surname_order).push_bind(&folded.search_text)
                .push_bind(written.version())
                .push_bind(person.deleted)
                .push_bind(person.photo.is_some());
        });
        query.build().execute(conn).await.map(drop)
    })
}

/// A row of history for each version.
async fn events(tx: &mut Tx, some: &[Written]) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO customer_events \
        (customer_id, version, action, operation_id, actor_id, at, changes) ";
    let mut rows = Vec::with_capacity(2 * some.len());
    for written in some {
        let person = &written.person;
        let mut made = Map::new();
        for (field, value) in [
            ("email", &person.email),
            ("name", &person.name),
            ("surname", &person.surname),
        ] {
            made.insert(field.to_owned(), json!({ "from": null, "to": value }));
        }
        rows.push((
            written,
            1_i64,
            "created",
            person.created_at,
            Value::Object(made),
        ));
        if let Some(action) = person.last_action() {
            let changes = match action {
                "photo_set" => json!({ "photo": { "from": null, "to": person.photo } }),
                "updated" => json!({ "phone": { "from": null, "to": person.phone } }),
                _ => json!({}),
            };
            rows.push((written, 2, action, person.last_modified_at, changes));
        }
    }
    on_tx!(tx, conn => {
        let mut query = QueryBuilder::new(SQL);
        query.push_values(&rows, |mut row, (written, version, action, at, changes)| {
            row.push_bind(written.id).push_bind(version).push_bind(*action)
                .push_bind(format!("{:031x}{version}", written.id))
                .push_bind(written.person.created_by).push_bind(at).push_bind(changes.to_string());
        });
        query.build().persistent(false).execute(conn).await.map(drop)
    })
}

async fn insert_terms(tx: &mut Tx, rows: &[(i64, &str, i64)]) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO customer_terms (deleted, term, customer_id) ";
    on_tx!(tx, conn => {
        let mut query = QueryBuilder::new(SQL);
        query.push_values(rows, |mut row, (deleted, term, id)| {
            row.push_bind(deleted).push_bind(*term).push_bind(id);
        });
        query.build().execute(conn).await.map(drop)
    })
}
