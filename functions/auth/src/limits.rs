//! How often somebody may try a password in vain.
//!
//! Each limit is a budget of attempts that fills up again evenly (the generic cell rate algorithm): one row of the
//! database that all instances share, named by a keyed hash, so that it tells nobody's address. An attempt is counted
//! before its password is hashed, and given back when it was right. See docs/decisions/0011-sign-in-limits.md.

mod budget;

use crate::store::limits::{self as store, Used};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use budget::{Budget, WINDOW};
use ring::hmac;
use shared::{
    db::{self, Db, Tx},
    error::{ApiError, ApiResult},
    id::{UserId, random},
    seal,
    time::Timestamp,
};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

/// How long a row stays that limits nothing any more: whoever tries again meanwhile does not meet its removal.
const STAYS: Duration = Duration::from_secs(10 * 60);
/// So many rows are removed at once. One attempt in 256 does it and each makes three at most: fewer come than go.
const REMOVED_AT_ONCE: i64 = 1_000;
/// How often counting begins anew when another transaction got in the way.
const ATTEMPTS: u32 = 4;
/// Separates the key of limits' names from whatever else is made from `REFRESH_KEY`.
const LABEL: &str = "crm sign-in limit 1";

/// Names limits, with a key made from `REFRESH_KEY`.
#[derive(Clone)]
pub(crate) struct LimitKey(Arc<hmac::Key>);

/// The keyed hash of an account's e-mail address, whether or not there is such an account: 32 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account(String);

impl Account {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl LimitKey {
    pub(crate) fn derive(secret: &[u8; 32]) -> Self {
        Self(Arc::new(seal::hmac_key(secret, LABEL)))
    }

    /// The account of an address, in the form that [`shared::email::key`] gives it.
    pub(crate) fn account(&self, email_key: &str) -> Account {
        Account(self.name(Budget::Account, email_key, ""))
    }

    /// An attempt to sign in, from a client's address or in a browser that the account's owner is known by.
    pub(crate) fn sign_in(
        &self,
        account: &Account,
        address: Option<IpAddr>,
        device: Option<&str>,
    ) -> Attempt {
        if let Some(device) = device {
            let name = self.name(Budget::Device, account.as_str(), device);
            return Attempt::of([(Budget::Device, name)]);
        }
        // Whoever has no address shares one: nobody gets around the limit by leaving it out.
        let network = address.map_or_else(|| "unknown".to_owned(), network);
        Attempt::of([
            (Budget::Account, account.as_str().to_owned()),
            (Budget::Address, self.name(Budget::Address, &network, "")),
            (
                Budget::AccountFromAddress,
                self.name(Budget::AccountFromAddress, account.as_str(), &network),
            ),
        ])
    }

    /// An attempt to show that a signed-in user knows their password.
    pub(crate) fn own_password(&self, user: UserId) -> Attempt {
        let name = self.name(Budget::OwnPassword, &user.to_string(), "");
        Attempt::of([(Budget::OwnPassword, name)])
    }

    /// 192 bits of an HMAC-SHA256.
    fn name(&self, budget: Budget, of: &str, and: &str) -> String {
        let named = format!("{}\n{of}\n{and}", budget.as_str());
        let tag = hmac::sign(&self.0, named.as_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..24])
    }
}

impl fmt::Debug for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LimitKey(***)")
    }
}

/// Whom a provider of internet access gives an address to: one customer has a whole /64 of IPv6 (RFC 6177), and an
/// IPv4 address that is written as one of IPv6 stays what it is.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            format!("{}/64", Ipv6Addr::from_bits(network))
        }
    }
}

/// One attempt, and what it counts against.
#[derive(Debug)]
pub(crate) struct Attempt(Vec<(Budget, String)>);

impl Attempt {
    fn of(limits: impl IntoIterator<Item = (Budget, String)>) -> Self {
        let mut limits: Vec<_> = limits.into_iter().collect();
        limits.sort_by(|(_, one), (_, other)| one.cmp(other));
        Self(limits)
    }

    /// Counts it before its password is looked at: of a thousand at once, no more get through than one after the other.
    ///
    /// # Errors
    /// 429 when a budget is used up. Such an attempt costs one read and counts for nothing.
    pub(crate) async fn count(&self, db: &Db, now: Timestamp) -> ApiResult<()> {
        let used = store::find(db, &self.names()).await?;
        self.refuse(&used, now, |used| {
            used.free_at.plus(used.step()) > full(used, now)
        })?;
        self.use_up(db, now).await?;
        // Others may have used up the same budget meanwhile. All of them see it then, and who is over it stops.
        let used = store::find(db, &self.names()).await?;
        self.refuse(&used, now, |used| used.free_at > full(used, now))
    }

    /// Gives it back: it was no failure.
    pub(crate) async fn give_back(&self, tx: &mut Tx) -> sqlx::Result<()> {
        store::give_back(tx, &self.names()).await
    }

    /// Gives it back where the work of finding out whether the password is right breaks. It stays counted where even that
    /// is not possible, and where nobody waits for the answer.
    ///
    /// # Errors
    /// Those of the work.
    pub(crate) async fn unless_broken<T>(
        &self,
        db: &Db,
        work: impl Future<Output = ApiResult<T>>,
    ) -> ApiResult<T> {
        let done = work.await;
        if done.is_err() {
            let given_back: sqlx::Result<()> = async {
                let mut tx = db.begin().await?;
                self.give_back(&mut tx).await?;
                tx.commit().await
            }
            .await;
            if let Err(error) = given_back {
                tracing::warn!(%error, "an attempt that did not fail stays counted");
            }
        }
        done
    }

    async fn use_up(&self, db: &Db, now: Timestamp) -> sqlx::Result<()> {
        let limits = self
            .0
            .iter()
            .map(|(budget, name)| (name.as_str(), budget.step()));
        let limits: Vec<_> = limits.collect();
        for attempt in 1.. {
            match store::use_up(db, &limits, WINDOW, now).await {
                Err(error) if db::is_contention(&error) && attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        if random::<1>() == [0] {
            // Who gets in its way is begun anew; if it is itself in the way, another attempt does it.
            let _ = store::delete_free(db, now.minus(STAYS), REMOVED_AT_ONCE).await;
        }
        Ok(())
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(_, name)| name.as_str()).collect()
    }

    /// 429 for the longest of the limits that are `over`.
    fn refuse(&self, used: &[Used], now: Timestamp, over: impl Fn(&Used) -> bool) -> ApiResult<()> {
        let again = |used: &Used| used.free_at.plus(used.step() / 2).minus(WINDOW);
        let Some(longest) = used
            .iter()
            .filter(|used| over(used))
            .max_by_key(|used| again(used))
        else {
            return Ok(());
        };
        let mut named = self.0.iter().filter(|(_, name)| *name == longest.name);
        let budget = named.next().map_or(Budget::Account, |(budget, _)| *budget);
        let wait = again(longest).since(now);
        tracing::info!(
            limit = budget.as_str(),
            wait_s = wait.as_secs(),
            "too many attempts failed"
        );
        Err(ApiError::TooManyAttempts {
            wait,
            otherwise: budget.otherwise(),
        })
    }
}

/// How late a budget may be whole again without being used up. Half a step is for requests that begin in another order
/// than they are counted in, and for instances' clocks.
fn full(used: &Used, now: Timestamp) -> Timestamp {
    now.plus(WINDOW + used.step() / 2)
}

/// Forgets limits that limit nothing any more; gives how many those are. A dry run only counts.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(db: &Db, now: Timestamp, dry: bool) -> ApiResult<u64> {
    let before = now.minus(STAYS);
    if dry {
        return Ok(store::count_free(db, before).await?);
    }
    let mut forgotten = 0;
    loop {
        match store::delete_free(db, before, REMOVED_AT_ONCE).await? {
            0 => return Ok(forgotten),
            some => forgotten += some,
        }
    }
}

/// Lets everybody try again at once; gives how many limits were not free.
///
/// # Errors
/// When the database does not answer.
pub async fn lift(db: &Db) -> ApiResult<u64> {
    Ok(store::delete_all(db).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> String {
        network(address.parse().expect("an address"))
    }

    #[test]
    fn b6_one_customer_s_addresses_are_one_network() {
        let walk = [
            "2001:db8:1:2::1",
            "2001:db8:1:2:ffff::9",
            "2001:DB8:1:2:0:0:0:0",
        ]
        .map(of);
        assert!(
            walk.iter().all(|network| network == "2001:db8:1:2::/64"),
            "{walk:?}"
        );
        assert_ne!(of("2001:db8:1:3::1"), walk[0]);
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_ne!(of("192.0.2.8"), of("192.0.2.7"));
    }

    #[test]
    fn a_limit_s_name_tells_nothing_and_is_no_other_s() {
        let (key, address) = (LimitKey::derive(&[1; 32]), "192.0.2.7".parse().ok());
        let account = key.account("ada@example.com");
        assert_eq!(account.as_str().len(), 32);
        let other = LimitKey::derive(&[2; 32]).account("ada@example.com");
        assert_ne!(account, other);
        let names = |attempt: Attempt| attempt.0.into_iter().map(|(_, name)| name);
        let mut all: Vec<_> = names(key.sign_in(&account, address, None))
            .chain(names(key.sign_in(&account, None, None)))
            .chain(names(key.sign_in(&account, address, Some("1"))))
            .chain(names(key.sign_in(&account, address, Some("2"))))
            .chain(names(key.sign_in(&key.account("1"), address, Some("1"))))
            .chain(names(key.own_password(UserId::try_from(1).expect("an id"))))
            .collect();
        assert_eq!(all.len(), 10);
        all.sort();
        all.dedup();
        // The account's own is in two of them.
        assert_eq!(all.len(), 9);
    }
}
