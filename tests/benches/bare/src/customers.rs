//! The product's statements, one a request: of each route the one that it is about.

use crate::pool::Pool;
use serde::{Deserialize, Serialize};
use std::time::UNIX_EPOCH;

/// A page of fifty and one, by which the product knows whether there are more.
const ROWS: i64 = 51;

#[derive(Serialize, sqlx::FromRow)]
pub(crate) struct Customer {
    id: i64,
    email: String,
    name: String,
    surname: String,
    phone: Option<String>,
    notes: Option<String>,
    photo_id: Option<String>,
    photo_width: Option<i64>,
    photo_height: Option<i64>,
    created_by: i64,
    last_modified_by: i64,
    created_at: i64,
    last_modified_at: i64,
    version: i64,
    deleted_at: Option<i64>,
    erased_at: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct NewCustomer {
    email: String,
    name: String,
    surname: String,
}

#[derive(Serialize)]
pub(crate) struct Found {
    pub(crate) data: Vec<Customer>,
}

pub(crate) async fn find(pool: &Pool, id: i64) -> sqlx::Result<Option<Customer>> {
    const SQL: &str = "SELECT id, email, name, surname, phone, notes, photo_id, photo_width, photo_height, \
        created_by, last_modified_by, created_at, last_modified_at, version, deleted_at, erased_at \
        FROM customers WHERE id = ?";
    let query = sqlx::query_as(SQL).bind(id);
    query.fetch_optional(pool.lend().await.connection()).await
}

pub(crate) async fn list(pool: &Pool) -> sqlx::Result<Found> {
    const SQL: &str = "SELECT c.id, c.email, c.name, c.surname, c.phone, c.notes, c.photo_id, \
        c.photo_width, c.photo_height, c.created_by, c.last_modified_by, c.created_at, \
        c.last_modified_at, c.version, c.deleted_at, c.erased_at \
        FROM customers c FORCE INDEX (customers_by_id) WHERE c.deleted = ? AND c.deleted_at IS NULL \
        ORDER BY c.id LIMIT ?";
    let query = sqlx::query_as(SQL).bind(0).bind(ROWS);
    let data = query.fetch_all(pool.lend().await.connection()).await?;
    Ok(Found { data })
}

/// Whoever has a word that begins so, which is in lower case and without accents.
pub(crate) async fn search(pool: &Pool, word: &str) -> sqlx::Result<Found> {
    const SQL: &str = "SELECT c.id, c.email, c.name, c.surname, c.phone, c.notes, c.photo_id, \
        c.photo_width, c.photo_height, c.created_by, c.last_modified_by, c.created_at, \
        c.last_modified_at, c.version, c.deleted_at, c.erased_at \
        FROM (SELECT DISTINCT t.customer_id FROM customer_terms t WHERE t.deleted = ? AND t.term >= ? AND t.term < ?) t \
        STRAIGHT_JOIN customers c ON c.id = t.customer_id \
        WHERE 1 = 1 AND c.deleted_at IS NULL AND INSTR(c.search_text, ?) > 0 ORDER BY c.id LIMIT ?";
    let query = sqlx::query_as(SQL)
        .bind(0)
        .bind(word)
        .bind(format!("{word}\u{10FFFF}"))
        .bind(format!(" {word}"))
        .bind(ROWS);
    let data = query.fetch_all(pool.lend().await.connection()).await?;
    Ok(Found { data })
}

pub(crate) async fn create(pool: &Pool, new: NewCustomer) -> sqlx::Result<Customer> {
    const SQL: &str = "INSERT INTO customers (email, email_key, name, surname, phone, notes, \
        created_by, last_modified_by, created_at, last_modified_at, version, \
        email_order, name_order, surname_order, search_text, terms_version) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, 1)";
    let now = UNIX_EPOCH.elapsed().unwrap_or_default();
    let now = i64::try_from(now.as_micros()).unwrap_or_default();
    let query = sqlx::query(SQL)
        .bind(&new.email)
        .bind(&new.email)
        .bind(&new.name)
        .bind(&new.surname)
        .bind(None::<String>)
        .bind(None::<String>)
        .bind(1_i64)
        .bind(1_i64)
        .bind(now)
        .bind(now)
        .bind(&new.email)
        .bind(&new.name)
        .bind(&new.surname)
        .bind(format!(" {} {} {}", new.name, new.surname, new.email));
    let done = query.execute(pool.lend().await.connection()).await?;
    Ok(Customer {
        id: i64::try_from(done.last_insert_id()).unwrap_or_default(),
        email: new.email,
        name: new.name,
        surname: new.surname,
        phone: None,
        notes: None,
        photo_id: None,
        photo_width: None,
        photo_height: None,
        created_by: 1,
        last_modified_by: 1,
        created_at: now,
        last_modified_at: now,
        version: 1,
        deleted_at: None,
        erased_at: None,
    })
}
