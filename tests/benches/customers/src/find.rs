//! Finding customers by their ids in SQLite, without HTTP: what the way to the database costs by itself.
//!
//! `tests/benches/sqlite_floor.c` does the same by SQLite's own C interface, which is the least that it can cost.

use crate::{
    measure::SIZES,
    rig::{open, processor_time},
};
use anyhow::{Context as _, ensure};
use fastrand::Rng;
use futures_util::future::join_all;
use shared::{customer, db::Db, id::CustomerId};
use std::{
    path::Path,
    process,
    time::{Duration, Instant},
};

/// How many ask at once.
const LANES: u64 = 2;

/// Finds for so many seconds, and prints the processor seconds of a thousand times.
pub(crate) async fn run(folder: &Path, seconds: u64) -> anyhow::Result<()> {
    let db = open(&format!("sqlite://{}/{}.db", folder.display(), SIZES[1]))?;
    let until = Instant::now() + Duration::from_secs(seconds);
    let before = processor_time(process::id())?;
    let lanes = (0..LANES).map(|lane| tokio::spawn(find(db.clone(), lane, until)));
    let mut found = 0;
    for lane in join_all(lanes).await {
        found += lane??;
    }
    let taken = processor_time(process::id())?.saturating_sub(before);
    let each = taken.as_secs_f64() * 1_000.0 / f64::from(found);
    println!("found={found} cpu_s_per_1000={each:.5}");
    Ok(())
}

async fn find(db: Db, lane: u64, until: Instant) -> anyhow::Result<u32> {
    let (mut rng, mut found) = (Rng::with_seed(lane), 0);
    while Instant::now() < until {
        let id = CustomerId::try_from(rng.i64(1..=i64::try_from(SIZES[1])?));
        let customer = customer::find(&db, id.ok().context("an id")?).await?;
        ensure!(customer.is_some(), "somebody is missing");
        found += 1;
    }
    Ok(found)
}
