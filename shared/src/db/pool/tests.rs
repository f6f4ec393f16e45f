//! What the pool promises, on SQLite.

use super::*;
use sqlx::{Executor as _, SqliteConnection};
use std::task::Poll;

const BRIEFLY: Duration = Duration::from_millis(50);

fn pool(max: u32, keeping: Keeping) -> Pool<SqliteConnection> {
    let options = "sqlite::memory:".parse().expect("an address");
    Pool::new(options, max, keeping)
}

/// Whether this is the connection on which it was called before.
async fn known(lent: &mut Lent<SqliteConnection>) -> bool {
    let known = lent
        .connection()
        .execute("CREATE TEMPORARY TABLE known (n)")
        .await;
    lent.settle(&known);
    known.is_err()
}

#[tokio::test]
async fn the_connection_that_came_back_last_is_lent_first() -> sqlx::Result<()> {
    let pool = pool(2, Keeping::FILE);
    let (mut one, two) = (pool.lend().await?, pool.lend().await?);
    assert_eq!((pool.count_idle(), pool.count_used()), (0, 2));
    assert!(!known(&mut one).await);
    drop(two);
    drop(one);
    assert_eq!((pool.count_idle(), pool.count_used()), (2, 0));
    let mut one = pool.lend().await?;
    assert!(known(&mut one).await);
    assert!(!known(&mut pool.lend().await?).await);
    Ok(())
}

#[tokio::test]
async fn no_more_are_lent_than_there_may_be_and_who_gives_up_waiting_takes_none() -> sqlx::Result<()>
{
    let pool = pool(1, Keeping::FILE);
    let lent = pool.lend().await?;
    let mut waits = Box::pin(pool.lend());
    assert!(timeout(BRIEFLY, waits.as_mut()).await.is_err());
    // Given up after its turn has come, before it could take it.
    drop(lent);
    drop(waits);
    assert!(
        timeout(BRIEFLY, pool.lend())
            .await
            .is_ok_and(|lent| lent.is_ok())
    );
    Ok(())
}

#[tokio::test]
async fn one_whose_work_was_given_up_or_broke_is_never_lent_again() -> sqlx::Result<()> {
    let pool = pool(1, Keeping::FILE);
    assert!(!known(&mut pool.lend().await?).await);
    assert!(
        known(&mut pool.lend().await?).await,
        "a refusal breaks nothing"
    );
    let mut lent = pool.lend().await?;
    let mut work = Box::pin(lent.connection().execute("SELECT 1"));
    assert!(matches!(futures_util::poll!(work.as_mut()), Poll::Pending));
    drop(work);
    drop(lent);
    assert_eq!((pool.count_idle(), pool.count_used()), (0, 0));
    let mut lent = pool.lend().await?;
    assert!(!known(&mut lent).await);
    lent.settle::<()>(&Err(sqlx::Error::Protocol("out of step".to_owned())));
    drop(lent);
    assert!(!known(&mut pool.lend().await?).await);
    Ok(())
}

#[tokio::test]
async fn one_that_is_too_old_or_doubtful_is_closed() -> sqlx::Result<()> {
    let life = Duration::ZERO;
    let old = pool(
        1,
        Keeping {
            life,
            ..Keeping::FILE
        },
    );
    assert!(!known(&mut old.lend().await?).await);
    assert!(!known(&mut old.lend().await?).await);
    let well = pool(1, Keeping::FILE);
    assert!(!known(&mut well.lend().await?).await);
    assert!(!known(&mut well.lend_unless(|_| true).await?).await);
    Ok(())
}

#[tokio::test]
async fn what_is_not_needed_is_closed_and_what_lay_idle_is_tested() -> sqlx::Result<()> {
    let (idle, untested) = (BRIEFLY / 2, Duration::ZERO);
    let pool = pool(
        3,
        Keeping {
            idle,
            untested,
            ..Keeping::FILE
        },
    );
    let (one, two) = (pool.lend().await?, pool.lend().await?);
    drop(one);
    tokio::time::sleep(BRIEFLY).await;
    drop(two);
    assert_eq!(pool.count_idle(), 1, "the one that lay idle has gone");
    assert!(!known(&mut pool.lend().await?).await);
    assert!(known(&mut pool.lend().await?).await, "it is well");
    Ok(())
}

#[tokio::test]
async fn closing_waits_for_those_in_use_and_then_nothing_is_lent() -> sqlx::Result<()> {
    let pool = pool(2, Keeping::FILE);
    let lent = pool.lend().await?;
    let mut closing = Box::pin(pool.close());
    assert!(timeout(BRIEFLY, closing.as_mut()).await.is_err());
    drop(lent);
    closing.await;
    assert_eq!(pool.count_idle(), 0);
    assert!(matches!(pool.lend().await, Err(sqlx::Error::PoolClosed)));
    pool.close().await;
    Ok(())
}
