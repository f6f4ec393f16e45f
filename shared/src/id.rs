//! Typed identifiers: 64-bit numbers that the database gives out, and 128 random bits that nobody can guess.

use ring::rand::{SecureRandom as _, SystemRandom};

/// Fills `N` bytes from the operating system's random source.
///
/// # Panics
/// When the operating system has none, which it says only before it has started.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system gives random bytes");
    bytes
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
        #[sqlx(transparent)]
        #[serde(try_from = "String", into = "i64")]
        pub struct $name(i64);

        impl $name {
            /// The number itself.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl TryFrom<i64> for $name {
            type Error = &'static str;

            fn try_from(id: i64) -> Result<Self, Self::Error> {
                if id > 0 { Ok(Self(id)) } else { Err("an id is a positive number") }
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            /// Reads the one way to write it in a path: no sign, no leading zero.
            fn try_from(text: String) -> Result<Self, Self::Error> {
                let id = text.parse::<i64>().ok().filter(|id| id.to_string() == text);
                Self::try_from(id.unwrap_or_default())
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
        #[sqlx(transparent)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A fresh one: 128 random bits as 32 lower-case hexadecimal digits.
            #[must_use]
            pub fn generate() -> Self {
                Self(hex(&random::<16>()))
            }

            /// The 32 digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(id: String) -> Result<Self, Self::Error> {
                let digits = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if id.len() == 32 && digits {
                    Ok(Self(id))
                } else {
                    Err("an id is 32 lower-case hexadecimal digits")
                }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

number! {
    /// Identifies a user of the CRM.
    UserId
}
number! {
    /// Identifies a customer.
    CustomerId
}
text! {
    /// Identifies one sign-in of a user, from its first token to its end.
    SessionId
}
text! {
    /// Identifies one picture in all its sizes; another picture has another id, so its bytes never change.
    ImageId
}
text! {
    /// Identifies one request that changed something; all its history rows carry it.
    OperationId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_id_can_never_be_a_path() {
        for bad in [
            "",
            "../../etc/passwd",
            "0123456789ABCDEF0123456789ABCDEF",
            "0123",
        ] {
            assert!(ImageId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        let id = ImageId::generate();
        assert_eq!(ImageId::try_from(id.to_string()), Ok(id));
    }

    #[test]
    fn a_number_id_is_positive() {
        assert!(UserId::try_from(0).is_err() && UserId::try_from(-1).is_err());
        assert_eq!(UserId::try_from(7).map(UserId::get), Ok(7));
        assert_eq!(UserId::try_from("7".to_owned()).map(UserId::get), Ok(7));
        for bad in ["", "0", "-1", "+7", "07", "7 ", "9223372036854775808"] {
            assert!(UserId::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
