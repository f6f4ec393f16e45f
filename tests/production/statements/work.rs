//! The requests that write, each about somebody of its own.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{
    Client, PASSWORD, photo,
    way::{Break, Broken},
};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    SignIn,
    Refresh,
    SignOut,
    ChangePassword,
    CreateUser,
    UpdateUser,
    DeleteUser,
    Create,
    CreateOnce,
    Change,
    Delete,
    Batch,
    Erase,
    Upload,
}

/// One request, which can be sent again.
pub(crate) struct Asked {
    /// From where: nobody shares a limit.
    address: String,
    method: Method,
    path: String,
    token: Option<String>,
    key: Option<String>,
    body: Body,
}

enum Body {
    None,
    Json(Value),
    Picture,
}

impl Asked {
    fn new(method: Method, path: impl Into<String>, signed_in: &Client) -> Self {
        let [a, b, c] = std::array::from_fn(|_| fastrand::u8(..));
        Self {
            address: format!("10.{a}.{b}.{c}"),
            method,
            path: path.into(),
            token: signed_in.token.clone(),
            key: None,
            body: Body::None,
        }
    }

    fn json(self, body: Value) -> Self {
        let body = Body::Json(body);
        Self { body, ..self }
    }

    /// To be sent with a client that is signed in as nobody.
    pub(crate) fn of(&self, client: &Client) -> RequestBuilder {
        let request = client.request(self.method.clone(), &self.path);
        let mut request = request.header("x-crm-client-ip", &self.address);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &self.key {
            request = request.header("idempotency-key", key);
        }
        match &self.body {
            Body::None => request,
            Body::Json(body) => request.json(body),
            Body::Picture => request.body(photo::png(40, 30)),
        }
    }
}

impl Work {
    /// Who answers it.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Erase | Self::Upload => "images",
            Self::Create | Self::CreateOnce | Self::Change | Self::Delete | Self::Batch => {
                "customers"
            }
            _ => "auth",
        }
    }

    /// Makes whom the `number`th request is about.
    pub(crate) async fn prepare(self, admin: &Client, number: usize) -> Asked {
        let email = format!("{number}@example.com");
        let customer = json!({ "email": email, "name": "Ada", "surname": "Lovelace" });
        match self {
            Self::Create => Asked::new(Method::POST, "/customers", admin).json(customer),
            Self::CreateOnce => Asked {
                key: Some(email),
                ..Asked::new(Method::POST, "/customers", admin).json(customer)
            },
            Self::CreateUser => Asked::new(Method::POST, "/users", admin)
                .json(json!({ "email": email, "password": PASSWORD })),
            Self::Change | Self::Delete | Self::Batch | Self::Erase | Self::Upload => {
                let made = admin.customer(&email).await;
                self.about_customer(admin, &made["id"], number)
            }
            _ => self.about_user(admin, &email).await,
        }
    }

    fn about_customer(self, admin: &Client, id: &Value, number: usize) -> Asked {
        let path = format!("/customers/{id}");
        let patch = json!({ "surname": "King", "notes": "Countess" });
        match self {
            Self::Change => Asked::new(Method::PATCH, path, admin).json(patch),
            Self::Delete => Asked::new(Method::DELETE, path, admin),
            Self::Erase => Asked::new(Method::POST, path + "/erase", admin),
            Self::Upload => Asked {
                body: Body::Picture,
                ..Asked::new(Method::PUT, path + "/photo", admin)
            },
            _ => {
                let new = json!({ "email": format!("new-{number}@example.com"), "name": "A", "surname": "B" });
                let items =
                    json!([{ "update": { "id": id, "changes": patch } }, { "create": new }]);
                Asked {
                    key: Some(number.to_string()),
                    ..Asked::new(Method::POST, "/customers/batch", admin)
                        .json(json!({ "items": items }))
                }
            }
        }
    }

    async fn about_user(self, admin: &Client, email: &str) -> Asked {
        let new = json!({ "email": email, "password": PASSWORD });
        let made = admin.post("/users", new.clone()).await.is(201).json();
        let path = format!("/users/{}", made["id"]);
        let mut nobody = admin.clone();
        nobody.token = None;
        let user = async || nobody.clone().signed_in(email, PASSWORD).await;
        match self {
            Self::SignIn => Asked::new(Method::POST, "/login", &nobody).json(new),
            Self::Refresh => Asked::new(Method::POST, "/token", &nobody)
                .json(json!({ "refresh_token": user().await.refresh })),
            Self::SignOut => Asked::new(Method::POST, "/logout", &user().await),
            Self::ChangePassword => {
                // The other session is ended by it.
                let (change, _other) = (user().await, user().await);
                let body = json!({ "current_password": PASSWORD, "new_password": "another horse battery" });
                Asked::new(Method::PUT, "/me/password", &change).json(body)
            }
            Self::UpdateUser => {
                Asked::new(Method::PATCH, path, admin).json(json!({ "name": "Ada" }))
            }
            _ => Asked::new(Method::DELETE, path, admin),
        }
    }

    /// Whether it may have happened although it was refused.
    pub(crate) fn is_unsure(self, broken: Option<&Broken>, fault: Break) -> bool {
        let obeyed = matches!(fault, Break::LostAnswer | Break::SilentAnswer);
        // An erasure that happened and is asked for again answers its receipt.
        (obeyed && broken.is_some_and(|broken| broken.lasting)) || self == Self::Erase
    }

    /// Whether a status says that it is done, now or before.
    pub(crate) fn settled(self, status: u16) -> bool {
        match status {
            200..300 => true,
            401 => self == Self::SignOut,
            404 => matches!(self, Self::Delete | Self::DeleteUser),
            409 => matches!(self, Self::Create | Self::CreateUser),
            422 => self == Self::ChangePassword,
            _ => false,
        }
    }

    /// Whether it adds once, however often it is sent.
    pub(crate) fn adds_up(self) -> bool {
        !matches!(self, Self::SignIn | Self::Refresh | Self::Upload)
    }
}
