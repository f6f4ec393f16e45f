//! Users as the database keeps them and as the API shows them, and what clients send.

use crate::password::{new_password, tried_password};
use serde::Serialize;
use shared::{
    body::{Change, Fields, FromFields, Refusal, line},
    config::Secret,
    email::{self, Email},
    id::{SessionId, UserId},
    time::Timestamp,
    token::Role,
};

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Active,
    Disabled,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

impl TryFrom<String> for Status {
    type Error = String;

    fn try_from(status: String) -> Result<Self, String> {
        match status.as_str() {
            "active" => Ok(Self::Active),
            "disabled" => Ok(Self::Disabled),
            _ => Err(format!("`{status}` is no status")),
        }
    }
}

/// A user's row, without the password's hash.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct UserRow {
    pub(crate) id: UserId,
    email: String,
    name: Option<String>,
    #[sqlx(try_from = "String")]
    role: Role,
    #[sqlx(try_from = "String")]
    status: Status,
    created_at: Timestamp,
    last_login_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
    /// Separated by commas.
    providers: Option<String>,
}

/// A user as the API shows it.
#[derive(Debug, Serialize)]
pub struct User {
    pub(crate) id: UserId,
    email: String,
    name: Option<String>,
    role: Role,
    status: Status,
    providers: Vec<String>,
    created_at: Timestamp,
    last_login_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
}

impl User {
    /// The address they sign in with.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }
}

impl UserRow {
    pub(crate) const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let providers = row.providers.as_deref().unwrap_or_default();
        let mut providers: Vec<_> = providers.split(',').map(str::to_owned).collect();
        providers.retain(|provider| !provider.is_empty());
        providers.sort();
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            role: row.role,
            status: row.status,
            providers,
            created_at: row.created_at,
            last_login_at: row.last_login_at,
            deleted_at: row.deleted_at,
        }
    }
}

/// A sign-in that lasts, as its owner sees it.
#[derive(Debug, Serialize)]
pub(crate) struct SessionView {
    pub(crate) id: SessionId,
    pub(crate) created_at: Timestamp,
    pub(crate) refreshed_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) client_address: Option<String>,
    pub(crate) user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub(crate) current: bool,
}

/// What makes a user.
#[derive(Debug)]
pub struct NewUser {
    /// Unique among users that are not deleted.
    pub email: Email,
    /// How people call them.
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Without one they can only sign in through a provider.
    pub password: Option<Secret>,
}

impl NewUser {
    /// Checks what an operator typed, as the API checks what a client sends.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn parse(email: &str, role: Role, password: Option<&str>) -> Result<Self, String> {
        let what =
            |name: &'static str| move |(_, message): Refusal| format!("the {name} {message}");
        Ok(Self {
            email: Email::parse(email).map_err(what("e-mail address"))?,
            name: None,
            role,
            password: password
                .map(new_password)
                .transpose()
                .map_err(what("password"))?,
        })
    }
}

impl FromFields for NewUser {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", Email::parse);
        let name = fields.optional("name", line(120));
        let role = fields.unless_absent("role", role).unwrap_or(Role::User);
        let password = fields.optional("password", new_password);
        Some(Self {
            email: email?,
            name,
            role,
            password,
        })
    }
}

/// What changes a user; what is absent stays.
#[derive(Debug)]
pub(crate) struct UserPatch {
    pub(crate) name: Change<String>,
    pub(crate) role: Option<Role>,
    pub(crate) status: Option<Status>,
    pub(crate) password: Option<Secret>,
}

impl FromFields for UserPatch {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            name: fields.change("name", line(120)),
            role: fields.unless_absent("role", role),
            status: fields.unless_absent("status", status),
            password: fields.unless_absent("password", new_password),
        })
    }
}

fn role(text: &str) -> Result<Role, Refusal> {
    Role::try_from(text.to_owned())
        .map_err(|_| ("unknown_value", "must be `user` or `admin`".to_owned()))
}

fn status(text: &str) -> Result<Status, Refusal> {
    Status::try_from(text.to_owned())
        .map_err(|_| ("unknown_value", "must be `active` or `disabled`".to_owned()))
}

/// What signs in.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// Any text: one that is no address belongs to nobody, and is answered as such.
    pub(crate) email_key: String,
    pub(crate) password: Secret,
    pub(crate) refresh_in: RefreshIn,
}

/// How the refresh token reaches whoever signs in.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshIn {
    /// In the answer's body, for programs.
    #[default]
    Body,
    /// In the refresh cookie alone, for our own pages: their scripts never see it.
    Cookie,
}

impl FromFields for Credentials {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", line(254));
        let password = fields.required("password", tried_password);
        let refresh_in = fields.unless_absent("refresh_in", refresh_in);
        Some(Self {
            email_key: email::key(&email?),
            password: password?,
            refresh_in: refresh_in.unwrap_or_default(),
        })
    }
}

fn refresh_in(text: &str) -> Result<RefreshIn, Refusal> {
    match text {
        "body" => Ok(RefreshIn::Body),
        "cookie" => Ok(RefreshIn::Cookie),
        _ => Err(("unknown_value", "must be `body` or `cookie`".to_owned())),
    }
}

/// What changes one's own password.
#[derive(Debug)]
pub(crate) struct PasswordChange {
    pub(crate) current: Secret,
    pub(crate) new: Secret,
}

impl FromFields for PasswordChange {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let current = fields.required("current_password", tried_password);
        let new = fields.required("new_password", new_password);
        Some(Self {
            current: current?,
            new: new?,
        })
    }
}

/// The body of `POST /token`.
#[derive(Debug)]
pub(crate) struct RefreshRequest(pub(crate) String);

impl FromFields for RefreshRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        // Any text: one that is no token of ours is answered as such.
        let token = fields.required("refresh_token", |text| Ok(text.to_owned()));
        token.map(Self)
    }
}
