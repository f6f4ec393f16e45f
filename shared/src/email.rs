//! E-mail addresses: their form, and the key under which two spellings are the same address.

use crate::body::Refusal;
use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization as _;

/// The longest address, in characters (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const MAX: usize = 254;

/// An e-mail address of valid form, as its owner writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// A rule for [`crate::body::Fields`].
    ///
    /// # Errors
    /// `too_long` or `invalid_email`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text: String = text.trim().nfc().collect();
        // Some letters grow when compared: the key must fit where it is kept.
        if text.chars().count() > MAX || key(&text).chars().count() > MAX {
            return Err(("too_long", format!("must be at most {MAX} characters long")));
        }
        let options = Options::default()
            .without_display_text()
            .without_domain_literal();
        let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '(' | ')');
        match EmailAddress::parse_with_options(&text, options) {
            Ok(_) if !text.contains(odd) => Ok(Self(text)),
            _ => Err((
                "invalid_email",
                "must be an e-mail address such as ada@example.com".to_owned(),
            )),
        }
    }

    /// As its owner writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which addresses are compared: without case and in Unicode's compatibility form (NFKC).
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.0)
    }
}

/// The form in which an address that was stored is compared; see [`Email::key`].
#[must_use]
pub fn key(email: &str) -> String {
    let lower = email.nfkc().collect::<String>().to_lowercase();
    // What is Σ in capitals is ς at a word's end and σ elsewhere, however its owner writes it.
    lower.replace('ς', "σ").nfkc().collect()
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_share_a_key() {
        let keys = ["Ada@Example.com", "ada@EXAMPLE.COM", "ａｄａ@example.com"]
            .map(|text| Email::parse(text).map(|email| email.key()));
        assert!(
            keys.iter()
                .all(|key| *key == Ok("ada@example.com".to_owned())),
            "{keys:?}"
        );
    }

    #[test]
    fn a_final_sigma_is_a_sigma() {
        let keys = [
            "ανδρέας@example.com",
            "ΑΝΔΡΈΑΣ@EXAMPLE.COM",
            "ανδρέασ@example.com",
        ]
        .map(key);
        assert!(keys.iter().all(|one| *one == keys[2]), "{keys:?}");
        assert_eq!(key("ΣΊΣΥΦΟΣ.Σ@example.com"), "σίσυφοσ.σ@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a@b@c.com",
            "a b@example.com",
            "a@b..com",
            "ada@[127.0.0.1]",
            "Ada <ada@example.com>",
            "\"a b\"@example.com",
            "ada@exam\u{0}ple.com",
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(250))).is_err());
        for good in [
            "josé@example.com",
            "ada+crm@sub.example.co.uk",
            "用户@例子.广告",
        ] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
    }
}
