//! The OpenAPI document of the whole origin.

use shared::api::Document;
use std::io::{self, Write as _};

/// Prints it.
pub(crate) fn print() -> anyhow::Result<()> {
    let mut text = document().finish().to_pretty_json()?;
    text.push('\n');
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn document() -> Document {
    let document = auth::describe(Document::default());
    let document = images::describe(customers::describe(document));
    document.with_health(&["auth", "customers", "images"])
}
