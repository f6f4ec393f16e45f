//! Sweeping up: what nobody needs any more, and what an erasure could not finish.

use crate::progress::during;
use anyhow::anyhow;
use images::{Bucket, Swept, finish_erasures, sweep};
use shared::{
    config::Env,
    customer::{erased, search},
    db::{DatabaseConfig, Db},
    idempotency,
    time::Timestamp,
};
use std::time::Duration;

/// Sweeps up; in a dry run, only says what it would do.
pub(crate) async fn run(older_than: u32, dry: bool) -> anyhow::Result<()> {
    let mut env = Env::of_process();
    let (database, bucket) = (DatabaseConfig::read(&mut env), Bucket::read(&mut env));
    let (database, bucket) = env.finish(database.zip(bucket))?;
    let (db, now) = (Db::open(&database), Timestamp::now());
    let before = now.minus(Duration::from_secs(u64::from(older_than) * 60 * 60));
    let owed = during("Finishing erasures", finish_pictures(&db, &bucket, dry)).await?;
    let swept = sweep(&db, &bucket, before, dry);
    let swept = during("Looking for pictures that nobody has", swept).await?;
    let sessions = auth::sessions::forget(&db, now, dry);
    let sessions = during("Looking for sessions that are over", sessions).await?;
    let keys = idempotency::forget(&db, now, dry);
    let keys = during("Looking for idempotency keys of yesterday", keys).await?;
    let limits = auth::limits::forget(&db, now, dry);
    let limits = during("Looking for limits of sign-ins that are free", limits).await?;
    let indexed = match dry {
        true => 0,
        false => during("Indexing customers for search", search::index_missing(&db)).await?,
    };
    // Last, for others may use the file: what does not need it to itself is done by then.
    let written = during("Writing the database anew", finish_remnants(&db, dry)).await;
    db.close().await;

    let removed = if dry { "would be removed" } else { "removed" };
    tell_of_pictures(&swept, removed);
    println!("Sessions that have been over for 90 days: {sessions} {removed}.");
    println!("Idempotency keys older than a day: {keys} {removed}.");
    println!("Limits of sign-ins that limit nothing any more: {limits} {removed}.");
    if indexed > 0 {
        println!("Customers that an older program wrote: {indexed} indexed for search.");
    }
    match (swept.failed.len() + owed, written?) {
        (0, true) => Ok(()),
        (0, false) => Err(anyhow!(
            "remnants of erased customers are still in the database's file, because others read it; sweep again later"
        )),
        (failed, _) => Err(anyhow!(
            "{failed} pictures could not be removed; sweep again later"
        )),
    }
}

fn tell_of_pictures(swept: &Swept, removed: &str) {
    for id in &swept.forgotten {
        match swept.failed.iter().find(|(failed, _)| failed == id) {
            Some((_, error)) => println!("picture {id}: could not be removed: {error}"),
            None => println!("picture {id}: {removed}"),
        }
    }
    let done = swept.forgotten.len() - swept.failed.len();
    println!(
        "Pictures: {done} {removed}, {} kept, {} too young to tell.",
        swept.kept, swept.young
    );
    if swept.strangers > 0 {
        println!(
            "Left alone: {} things that are no pictures of the CRM.",
            swept.strangers
        );
    }
}

/// Removes the pictures of erased customers that are still there; gives how many the storage did not give up.
async fn finish_pictures(db: &Db, bucket: &Bucket, dry: bool) -> anyhow::Result<usize> {
    let finished = finish_erasures(db, bucket, dry).await?;
    let (removed, failed) = (finished.removed, finished.failed.len());
    for (id, error) in &finished.failed {
        println!("picture {id} of an erased customer: could not be removed: {error}");
    }
    match (removed, failed) {
        (0, 0) => {}
        (removed, 0) if dry => {
            println!("Pictures of erased customers: {removed} would be removed.")
        }
        (removed, 0) => println!("Pictures of erased customers: {removed} removed."),
        (removed, failed) => {
            println!("Pictures of erased customers: {removed} removed, {failed} still to go.");
        }
    }
    Ok(failed)
}

/// Rids a file of SQLite's of what erasures left in it. False when it could not be done.
async fn finish_remnants(db: &Db, dry: bool) -> anyhow::Result<bool> {
    if erased::remnants(db).await? == 0 {
        return Ok(true);
    }
    if dry {
        println!("Remnants of erased customers: the database would be written anew.");
        return Ok(true);
    }
    erased::scrub(db, i64::MAX).await?;
    let done = erased::remnants(db).await? == 0;
    if done {
        println!("Remnants of erased customers: the database was written anew.");
    }
    Ok(done)
}
