//! Configuration from the environment, which names every mistake at once.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{collections::HashMap, fmt, fs, str::FromStr};
use url::Url;

/// The environment, and what was found wrong in it so far.
///
/// Every reader returns `None` after noting its mistake; a `read` function calls all of its readers first and uses
/// `?` on their results last, so that one start names all that has to be mended.
#[derive(Debug, Default)]
pub struct Env {
    values: HashMap<String, String>,
    mistakes: Vec<String>,
}

impl Env {
    /// The environment of this process. An empty variable counts as one that is not set.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(std::env::vars())
    }

    /// An environment made of these variables.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let values = variables.into_iter().filter(|(_, v)| !v.is_empty());
        Self {
            values: values.collect(),
            mistakes: Vec::new(),
        }
    }

    /// Gives `name` the value `value` unless it has one.
    pub fn set_default(&mut self, name: &str, value: impl Into<String>) {
        self.values
            .entry(name.to_owned())
            .or_insert_with(|| value.into());
    }

    /// A value that must be there.
    pub fn required<T>(&mut self, name: &str, parse: impl Parse<T>) -> Option<T> {
        if !self.values.contains_key(name) {
            self.mistake(name, "is not set");
        }
        self.optional(name, parse)
    }

    /// A value that may be missing: `None` when it is, and when it is wrong.
    pub fn optional<T>(&mut self, name: &str, parse: impl Parse<T>) -> Option<T> {
        match parse(self.values.get(name)?) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.mistake(name, &reason);
                None
            }
        }
    }

    /// A value, or `default` when it is not set.
    pub fn or<T>(&mut self, name: &str, default: T, parse: impl Parse<T>) -> Option<T> {
        if self.values.contains_key(name) {
            self.optional(name, parse)
        } else {
            Some(default)
        }
    }

    /// Notes a mistake that only shows when several variables are seen together.
    pub fn mistake(&mut self, name: &str, reason: &str) {
        self.mistakes.push(format!("{name} {reason}"));
    }

    /// `config` when nothing was wrong.
    ///
    /// # Errors
    /// Every mistake, one a line.
    pub fn finish<T>(self, config: Option<T>) -> anyhow::Result<T> {
        config.filter(|_| self.mistakes.is_empty()).ok_or_else(|| {
            anyhow::anyhow!(
                "the configuration is not usable:\n  {}",
                self.mistakes.join("\n  ")
            )
        })
    }
}

/// Reads a value from a variable's text, or says what is wrong with it.
pub trait Parse<T>: Fn(&str) -> Result<T, String> {}
impl<T, F: Fn(&str) -> Result<T, String>> Parse<T> for F {}

/// Any text.
///
/// # Errors
/// None.
pub fn text(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

/// A value of a type that parses itself, such as a number.
///
/// # Errors
/// What the type says.
pub fn parsed<T: FromStr<Err: fmt::Display>>(value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|error| format!("is `{value:.40}`, which cannot be read: {error}"))
}

/// The value itself, or the contents of the file that `file:PATH` names.
///
/// # Errors
/// When the file cannot be read.
pub fn value_or_file(value: &str) -> Result<Secret, String> {
    match value.strip_prefix("file:") {
        Some(path) => fs::read_to_string(path)
            .map(|contents| Secret(contents.trim().to_owned()))
            .map_err(|error| format!("names the file {path}, which cannot be read: {error}")),
        None => Ok(Secret(value.to_owned())),
    }
}

/// A key of `N` bytes, as base64url text or `file:PATH` to it.
///
/// # Errors
/// When it is not base64url of that length.
pub fn key<const N: usize>(value: &str) -> Result<[u8; N], String> {
    let text = value_or_file(value)?;
    URL_SAFE_NO_PAD
        .decode(text.reveal().trim_end_matches('='))
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| format!("must be {N} bytes as base64url (`admin keys generate` makes one)"))
}

/// Web origins, separated by commas.
///
/// # Errors
/// Names the first that is not an origin.
pub fn origins(value: &str) -> Result<Vec<String>, String> {
    let origin = |text: &str| {
        Url::parse(text)
            .ok()
            .map(|url| url.origin().ascii_serialization())
            .filter(|origin| origin == text)
            .ok_or_else(|| {
                format!("holds `{text}`, which is not an origin such as https://app.example.com")
            })
    };
    value.split(',').map(str::trim).map(origin).collect()
}

/// An address that we call: `https://`, or `http://` on this machine.
///
/// # Errors
/// What it must be.
pub fn endpoint(value: &str) -> Result<Url, String> {
    let url = Url::parse(value).map_err(|error| format!("is not an address: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("must not hold a user, a password or a fragment".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err("must begin with https:// (http:// is for localhost only)".to_owned()),
    }
}

/// Whether an address names this very machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A text that never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// `PUBLIC_BASE_URL`: the one origin at which people and programs reach the product.
///
/// Every absolute address in an answer is made from it; none from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// Accepts an `https://` origin, or `http://` on this machine, without path, query, fragment or user.
    ///
    /// # Errors
    /// What it must be.
    pub fn parse(value: &str) -> Result<Self, String> {
        let url = Url::parse(value).map_err(|error| format!("is not an address: {error}"))?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare || value.ends_with('/') {
            return Err("must be an origin alone, such as https://crm.example.com".to_owned());
        }
        let this = Self(url);
        match this.0.scheme() {
            "https" => Ok(this),
            "http" if this.is_loopback() => Ok(this),
            _ => Err("must begin with https:// (http:// is for localhost only)".to_owned()),
        }
    }

    /// The origin without a trailing slash, as `iss` and `aud` of tokens carry it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The absolute address of a path that begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    /// Whether it names this very machine, where HSTS would hijack every other local server.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_at_once() {
        let mut env = Env::of([("PORT".to_owned(), "eighty".to_owned())]);
        let port = env.required("PORT", parsed::<u16>);
        let url = env.required("PUBLIC_BASE_URL", PublicUrl::parse);
        let config = (|| Some((port?, url?)))();
        let message = env.finish(config).map_err(|e| e.to_string());
        let message = message.expect_err("both are wrong");
        assert!(
            message.contains("PORT is `eighty`, which cannot be read"),
            "{message}"
        );
        assert!(message.contains("PUBLIC_BASE_URL is not set"), "{message}");
    }

    #[test]
    fn the_public_address_is_an_https_origin() {
        for good in [
            "https://crm.example.com",
            "https://localhost:8443",
            "http://127.0.0.1:8080",
        ] {
            assert_eq!(
                PublicUrl::parse(good).map(|u| u.as_str().to_owned()),
                Ok(good.to_owned())
            );
        }
        for bad in [
            "",
            "crm.example.com",
            "http://crm.example.com",
            "https://crm.example.com/",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://user@a",
            "ftp://a",
            "http://localhost.evil.com",
        ] {
            assert!(PublicUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_we_call_is_encrypted_or_on_this_machine() {
        for good in [
            "https://accounts.google.com/.well-known/openid-configuration",
            "http://127.0.0.1:9000/token?a=b",
            "http://[::1]/",
        ] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "accounts.google.com",
            "http://accounts.google.com/",
            "http://127.0.0.1.evil.com/",
            "https://user@a/",
            "https://a/#b",
            "file:///etc/passwd",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret("hunter2".to_owned())), "***");
    }

    #[test]
    fn a_key_has_its_length() {
        assert_eq!(key::<4>("AQIDBA"), Ok([1, 2, 3, 4]));
        assert_eq!(key::<4>("AQIDBA=="), Ok([1, 2, 3, 4]));
        assert!(key::<5>("AQIDBA").is_err() && key::<4>("?").is_err());
    }
}
