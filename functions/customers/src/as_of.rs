//! A customer as it was: its record, with its history undone from the newest back.

use serde::Deserialize;
use serde_json::Value;
use shared::{
    customer::{self, CustomerRow},
    db::Db,
    error::{ApiError, ApiResult},
    id::{CustomerId, UserId},
    on_read,
    time::Timestamp,
};
use std::collections::BTreeMap;

/// How many changes are read at a time.
const PIECE: i64 = 200;

/// Up to where a customer's history counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// What happened until then.
    Time(Timestamp),
    /// The first so many versions.
    Version(i64),
}

#[derive(Debug, sqlx::FromRow)]
struct Change {
    version: i64,
    action: String,
    actor_id: UserId,
    at: Timestamp,
    changes: String,
}

#[derive(Debug, Deserialize)]
struct Values {
    from: Value,
}

impl Moment {
    const fn counts(self, change: &Change) -> bool {
        match self {
            Self::Time(time) => change.at.micros() <= time.micros(),
            Self::Version(version) => change.version <= version,
        }
    }
}

/// The customer as it was at that moment, deleted or not; `None` before it was made.
///
/// The picture is that of then if it is still the customer's; others are not kept.
///
/// # Errors
/// 410 for one who was erased.
pub(crate) async fn find(
    db: &Db,
    id: CustomerId,
    moment: Moment,
) -> ApiResult<Option<CustomerRow>> {
    let Some(now) = customer::find(db, id).await? else {
        return Ok(None);
    };
    if now.erased_at.is_some() {
        return Err(ApiError::Erased);
    }
    let mut undo = Undo::of(&now);
    let mut below = now.version + 1;
    loop {
        let piece = changes(db, id, below).await?;
        let Some(last) = piece.last() else {
            return Ok(None);
        };
        below = last.version;
        for change in piece {
            if undo.reaches(&change, moment) {
                return Ok(Some(undo.done(now)));
            }
            let values: BTreeMap<String, Values> =
                serde_json::from_str(&change.changes).map_err(anyhow::Error::from)?;
            undo.change(&change.action, values);
        }
    }
}

/// What happened to a customer before a version, newest first.
async fn changes(db: &Db, id: CustomerId, below: i64) -> sqlx::Result<Vec<Change>> {
    const SQL: &str = "SELECT version, action, actor_id, at, changes FROM customer_events \
        WHERE customer_id = ? AND version < ? ORDER BY version DESC LIMIT ?";
    on_read!(db, pool => sqlx::query_as(SQL).bind(id).bind(below).bind(PIECE).fetch_all(pool).await)
}

/// A record on its way back.
struct Undo {
    row: CustomerRow,
    photo: Option<String>,
    /// The version that was asked for is passed, and only when it was deleted is still missing.
    reached: bool,
    /// Whether it was deleted, at a time not seen yet.
    dead: bool,
}

impl Undo {
    fn of(now: &CustomerRow) -> Self {
        Self {
            row: now.clone(),
            photo: now.photo_id.clone().map(Into::into),
            reached: false,
            dead: false,
        }
    }

    /// Whether the record is as it was after this change, which is the last that counts.
    fn reaches(&mut self, change: &Change, moment: Moment) -> bool {
        if !self.reached && moment.counts(change) {
            self.reached = true;
            self.row.version = change.version;
            self.row.last_modified_at = change.at;
            self.row.last_modified_by = change.actor_id;
        }
        if self.reached && self.dead && change.action == "deleted" {
            self.row.deleted_at = Some(change.at);
            self.dead = false;
        }
        self.reached && !self.dead
    }

    fn change(&mut self, action: &str, values: BTreeMap<String, Values>) {
        if self.reached {
            return;
        }
        match action {
            "deleted" => (self.row.deleted_at, self.dead) = (None, false),
            "restored" => self.dead = true,
            _ => {}
        }
        for (field, Values { from }) in values {
            let text = match from {
                Value::String(text) => Some(text),
                _ => None,
            };
            match field.as_str() {
                "email" => self.row.email = text.unwrap_or_default(),
                "name" => self.row.name = text.unwrap_or_default(),
                "surname" => self.row.surname = text.unwrap_or_default(),
                "phone" => self.row.phone = text,
                "notes" => self.row.notes = text,
                "photo" => self.photo = text,
                _ => {}
            }
        }
    }

    fn done(self, now: CustomerRow) -> CustomerRow {
        let current = now.photo_id.as_ref().map(|photo| photo.as_str().to_owned());
        let mut row = self.row;
        if self.photo != current {
            (row.photo_id, row.photo_width, row.photo_height) = (None, None, None);
        }
        row
    }
}
