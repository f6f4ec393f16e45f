//! What only the shape of production can show: services that stop under load, a database
//! that goes away, and what operators see.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cost;
mod encryption;
mod outage;
mod refresh;
mod replacement;
mod silence;
mod stack;
mod standing;
mod statements;
mod telemetry;
