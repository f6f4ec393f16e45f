//! What must hold of a product's data whatever became of its programs.

use crate::{Product, database::number};
use std::collections::HashSet;

/// Rows that must not be, by what is wrong with them.
const WRONG: [(&str, &str); 5] = [
    (
        "customers without a row of history for each version",
        "SELECT COUNT(*) FROM customers WHERE version <> \
            (SELECT COUNT(*) FROM customer_events WHERE customer_id = customers.id AND version <= customers.version)",
    ),
    (
        "rows of history without a customer of that version",
        "SELECT COUNT(*) FROM customer_events WHERE NOT EXISTS (SELECT 1 FROM customers \
            WHERE customers.id = customer_events.customer_id AND customers.version >= customer_events.version)",
    ),
    (
        "customers whose words were not indexed with them",
        "SELECT COUNT(*) FROM customers WHERE terms_version IS NULL OR terms_version <> version",
    ),
    (
        "living customers whom no word leads to",
        "SELECT COUNT(*) FROM customers WHERE deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM customer_terms \
            WHERE customer_terms.customer_id = customers.id AND customer_terms.deleted = 0)",
    ),
    (
        "words of customers who are not among the living, or not among the dead",
        "SELECT COUNT(*) FROM customer_terms WHERE NOT EXISTS (SELECT 1 FROM customers \
            WHERE customers.id = customer_terms.customer_id AND customers.deleted = customer_terms.deleted)",
    ),
];

/// What was found that does not go together.
///
/// # Panics
/// When it finds something, or cannot look.
pub async fn audit(product: &Product) {
    let url = product.database_url();
    for (wrong, sql) in WRONG {
        assert_eq!(number(&url, sql).await, 0, "{wrong}");
    }
    let whole = product.pictures().whole().await;
    let shown = shown(product).await;
    let missing: Vec<_> = shown.difference(&whole).collect();
    assert!(
        missing.is_empty(),
        "rows without their pictures: {missing:?}"
    );
}

/// The pictures that rows name.
///
/// # Panics
/// When the database does not say.
pub async fn shown(product: &Product) -> HashSet<String> {
    let url = product.database_url();
    let sql = "SELECT photo_id FROM customers WHERE photo_id IS NOT NULL";
    crate::database::texts(&url, sql)
        .await
        .into_iter()
        .collect()
}
