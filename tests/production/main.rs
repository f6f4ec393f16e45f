//! What only the shape of production can show: services that stop under load, and a database that goes away.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod encryption;
mod replacement;
mod stack;
mod standing;
