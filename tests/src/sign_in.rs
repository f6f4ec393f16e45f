//! A product whose people sign in through both providers of the rig; and further instances of its auth function.

use crate::{
    Client, Clock, Instance, Options, PASSWORD, Product,
    database::number,
    provider::{Facebook, Google},
    visitor::Visitor,
};
use serde_json::{Value, json};

/// A product and both providers, which know each other.
pub struct SignIn {
    /// The product.
    pub product: Product,
    /// Google's stand-in.
    pub google: Google,
    /// Facebook's stand-in.
    pub facebook: Facebook,
}

impl SignIn {
    /// Starts all three.
    pub async fn start() -> Self {
        Self::start_with([]).await
    }

    /// Starts all three; the product with more environment.
    pub async fn start_with(env: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let (google, facebook) = tokio::join!(Google::start(), Facebook::start());
        let mut all = google.env().to_vec();
        all.extend(facebook.env());
        all.extend(env);
        let product = Product::start_with(Options { env: all }).await;
        google.register(&product.base);
        facebook.register(&product.base);
        Self {
            product,
            google,
            facebook,
        }
    }

    /// Somebody new.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor::of(&self.product)
    }

    /// Registers a person as an administrator does: without a password, so that a provider is their way in.
    pub async fn register(&self, email: &str) -> Value {
        let admin = self.product.admin().await;
        let new = json!({ "email": email });
        admin.post("/users", new).await.is(201).json()
    }

    /// Registers a person with a password; gives them signed in.
    pub async fn user(&self, email: &str) -> Client {
        self.product.user(email).await
    }

    /// Signs somebody in with their password.
    pub async fn by_password(&self, email: &str) -> Client {
        self.product.anyone().signed_in(email, PASSWORD).await
    }

    /// One number of the product's database.
    pub async fn number(&self, sql: &str) -> i64 {
        number(&self.product.database_url(), sql).await
    }

    /// How many sessions there are and were.
    pub async fn sessions(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM sessions").await
    }

    /// How many identities are linked.
    pub async fn identities(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM identities").await
    }

    /// Starts another instance of auth on the product's keys and database, with more environment.
    pub async fn instance(
        &self,
        env: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Instance {
        let mut all = self.google.env().to_vec();
        all.extend(self.facebook.env());
        all.extend(env);
        Instance::start(&self.product, "auth", all).await
    }

    /// Starts another instance of auth whose clock can be moved.
    pub async fn instance_with_clock(
        &self,
        env: impl IntoIterator<Item = (&'static str, String)>,
    ) -> (Instance, Clock) {
        let clock = Clock::new();
        let mut all = clock.env().to_vec();
        all.extend(env);
        (self.instance(all).await, clock)
    }
}
