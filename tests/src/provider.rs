//! The providers that people sign in with: strict stand-ins of Google and Facebook, which break what they are told to.
//!
//! They are as strict as the real ones, or more: a redirect URI is compared byte for byte, a code works once, the
//! verifier must fit its challenge, and a client proves who it is.

mod facebook;
mod google;
mod server;
mod token;
mod tunnel;

pub use facebook::Facebook;
pub use google::{CLIENT_ID, CLIENT_SECRET, Google};
pub use server::{Asked, Fault, Server};
pub use token::{IdToken, Signed, public_key};
pub use tunnel::Tunnel;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom as _, SystemRandom};

/// A fresh text that nobody can guess.
fn random() -> String {
    let mut bytes = [0; 24];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.expect("the system has random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The redirect URI that an operator registers for a product at a provider.
fn redirect_uri(base: &str, provider: &str) -> String {
    format!("{base}/login/{provider}/callback")
}
