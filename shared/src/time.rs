//! The one clock, and how an instant looks in the database and on the wire.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// An instant: microseconds since 1970 in the database, RFC 3339 UTC with six digits on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The current instant. Handlers ask once and pass it down.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// The instant that an RFC 3339 text names; none outside the years 0 to 9999 of UTC, which RFC 3339 cannot say.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let at = at.checked_to_offset(UtcOffset::UTC)?;
        let micros = at.unix_timestamp_nanos().div_euclid(1_000);
        let micros = i64::try_from(micros).ok()?;
        (at.year() >= 0).then_some(Self(micros))
    }

    /// The instant so many whole seconds after 1970.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970, as the database keeps it.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down, as JWTs and signed addresses count.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The instant `later` after this one.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(later.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// The instant `earlier` before this one.
    #[must_use]
    pub fn minus(self, earlier: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(earlier.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(at: SystemTime) -> Self {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// `2026-11-18T11:06:40.500000Z`
type Written = [u8; 27];

impl Timestamp {
    /// As it is written on the wire: a list has a hundred of them, so not by way of `format!`. None beyond the year 9999.
    fn written(self) -> Option<Written> {
        let at = OffsetDateTime::from_unix_timestamp(self.seconds()).ok()?;
        let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
        let mut written = *b"0000-00-00T00:00:00.000000Z";
        let mut put = |place: usize, digits: usize, mut number: u32| {
            for digit in written[place..place + digits].iter_mut().rev() {
                *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        };
        put(0, 4, u32::try_from(year).ok()?);
        put(5, 2, u8::from(month).into());
        put(8, 2, day.into());
        put(11, 2, hour.into());
        put(14, 2, minute.into());
        put(17, 2, second.into());
        put(20, 6, u32::try_from(self.0.rem_euclid(1_000_000)).ok()?);
        Some(written)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.written().ok_or(fmt::Error)?;
        f.write_str(str::from_utf8(&written).map_err(|_| fmt::Error)?)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(
                "must be a time such as 2026-11-25T08:00:00Z (RFC 3339; a + is written %2B in an address)",
            )
        })
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = self.written();
        let text = written
            .as_ref()
            .and_then(|written| str::from_utf8(written).ok());
        let text = text.ok_or_else(|| serde::ser::Error::custom("is beyond the year 9999"))?;
        serializer.serialize_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_keeps_its_microseconds_on_the_wire() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(
            Timestamp(1_795_000_000_500_000).to_string(),
            "2026-11-18T11:06:40.500000Z"
        );
        for (micros, text) in [
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_709_210_096_000_007, "2024-02-29T12:34:56.000007Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp(micros).to_string(), text);
            let json = serde_json::to_string(&Timestamp(micros)).expect("within four digits");
            assert_eq!(json, format!("\"{text}\""));
        }
        assert!(serde_json::to_string(&Timestamp(i64::MAX)).is_err());
        for text in ["2026-11-18T11:06:40.5Z", "2026-11-18T12:06:40.500000+01:00"] {
            assert_eq!(
                Timestamp::parse(text),
                Some(Timestamp(1_795_000_000_500_000))
            );
        }
        assert_eq!(Timestamp::parse("yesterday"), None);
        // Years that UTC cannot say in four digits, although the text's own offset can.
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59-23:59"), None);
        assert_eq!(Timestamp::parse("0000-01-01T00:00:00+00:01"), None);
        for text in ["0000-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"] {
            let at = Timestamp::parse(text).map(|at| at.to_string());
            assert_eq!(at.as_deref(), Some(text));
        }
    }
}
