//! Users as the database keeps them and as the API shows them, and what clients send.

use crate::{
    password::{new_password, new_password_schema, tried_password, tried_password_schema},
    providers::Name,
};
use serde::Serialize;
use shared::{
    api::schemas,
    body::{Change, Fields, FromFields, Refusal, line},
    config::Secret,
    email::{self, Email},
    id::{SessionId, UserId},
    time::Timestamp,
    token::Role,
};
use utoipa::{ToSchema, openapi::ObjectBuilder};

/// The longest name, in characters.
const NAME: usize = 120;

/// Whether a user may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    pub(crate) id: UserId,
    #[schema(examples("ada@example.com"))]
    email: String,
    /// How people call them.
    #[schema(required, examples("Ada"))]
    name: Option<String>,
    role: Role,
    status: Status,
    /// Those through which they can sign in.
    providers: Vec<String>,
    created_at: Timestamp,
    #[schema(required)]
    last_login_at: Option<Timestamp>,
    /// When they were deleted; their name stays with what they did.
    #[schema(value_type = Timestamp, required = false)]
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
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView {
    pub(crate) id: SessionId,
    pub(crate) created_at: Timestamp,
    /// When its tokens were exchanged last.
    pub(crate) refreshed_at: Timestamp,
    /// When it ends if it is not used.
    pub(crate) expires_at: Timestamp,
    #[schema(required, examples("203.0.113.7"))]
    pub(crate) client_address: Option<String>,
    #[schema(required)]
    pub(crate) user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub(crate) current: bool,
}

/// What makes a user.
#[derive(Debug, ToSchema)]
pub struct NewUser {
    /// Unique among users that are not deleted.
    #[schema(schema_with = schemas::email)]
    pub email: Email,
    /// How people call them.
    #[schema(schema_with = schemas::line_or_null::<NAME>, required = false)]
    pub name: Option<String>,
    /// What they may do.
    #[schema(required = false)]
    pub role: Role,
    /// Without one they can only sign in through a provider.
    #[schema(schema_with = new_password_or_null, required = false)]
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
        let name = fields.optional("name", line(NAME));
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
#[derive(Debug, ToSchema)]
pub(crate) struct UserPatch {
    #[schema(schema_with = schemas::line_or_null::<NAME>, required = false)]
    pub(crate) name: Change<String>,
    #[schema(value_type = Role, required = false)]
    pub(crate) role: Option<Role>,
    #[schema(value_type = Status, required = false)]
    pub(crate) status: Option<Status>,
    #[schema(schema_with = new_password_schema, required = false)]
    pub(crate) password: Option<Secret>,
}

impl FromFields for UserPatch {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            name: fields.change("name", line(NAME)),
            role: fields.unless_absent("role", role),
            status: fields.unless_absent("status", status),
            password: fields.unless_absent("password", new_password),
        })
    }
}

fn new_password_or_null() -> ObjectBuilder {
    schemas::or_null(new_password_schema())
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
#[derive(Debug, ToSchema)]
pub(crate) struct Credentials {
    /// Any text: one that is no address belongs to nobody, and is answered as such.
    #[schema(rename = "email", schema_with = schemas::line::<{ email::MAX }>)]
    pub(crate) email_key: String,
    #[schema(schema_with = tried_password_schema)]
    pub(crate) password: Secret,
    #[schema(required = false)]
    pub(crate) refresh_in: RefreshIn,
}

/// How the refresh token reaches whoever signs in.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum RefreshIn {
    /// In the answer's body, for programs.
    #[default]
    Body,
    /// In the refresh cookie alone, for our own pages: their scripts never see it.
    Cookie,
}

impl FromFields for Credentials {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", line(email::MAX));
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
#[derive(Debug, ToSchema)]
pub(crate) struct PasswordChange {
    #[schema(rename = "current_password", schema_with = tried_password_schema)]
    pub(crate) current: Secret,
    #[schema(rename = "new_password", schema_with = new_password_schema)]
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
#[derive(Debug, ToSchema)]
pub(crate) struct RefreshRequest {
    /// Any text: one that is no token of ours is answered as such.
    pub(crate) refresh_token: String,
}

impl FromFields for RefreshRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let token = fields.required("refresh_token", |text| Ok(text.to_owned()));
        token.map(|refresh_token| Self { refresh_token })
    }
}

/// The providers that people can sign in with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Offered {
    pub(crate) providers: Vec<Name>,
}

/// Where to go to sign in at a provider, or to agree to be linked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Departure {
    /// The provider's address.
    #[schema(examples("https://accounts.google.com/o/oauth2/v2/auth?client_id=…"))]
    pub(crate) uri: String,
}

/// The provider that is linked now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Linked {
    pub(crate) linked: Name,
}
