//! The codes of all problems: each with its status and what it tells a client.

use axum::http::StatusCode;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $status:ident $code:ident = $name:literal,)+) => {
        /// What a problem is, for programs: its `code`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $code,)+
        }

        impl Code {
            /// Every code, by status.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// The status that it comes with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$code => StatusCode::$status,)+
                }
            }

            /// As it stands in the body; it never changes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }

            /// Whether it passes by itself, so that the answer says after how long to ask again.
            #[must_use]
            pub const fn is_passing(self) -> bool {
                matches!(
                    self,
                    Self::IdempotencyKeyInUse | Self::TooManyAttempts | Self::Unavailable
                )
            }

            /// What it means, for whoever writes a client.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$code => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

codes! {
    /// The body is not JSON of the expected shape, or broke off.
    BAD_REQUEST MalformedBody = "malformed_body",
    /// A query parameter is unknown or not of its form.
    BAD_REQUEST MalformedQuery = "malformed_query",
    /// A part of the path, such as an id, is not of its form.
    BAD_REQUEST MalformedPath = "malformed_path",
    /// A request header is not of its form.
    BAD_REQUEST MalformedHeader = "malformed_header",
    /// This cursor belongs to another list, or is none of ours.
    BAD_REQUEST InvalidCursor = "invalid_cursor",
    /// The provider's answer belongs to no sign-in that this browser began here in the last ten minutes.
    BAD_REQUEST InvalidState = "invalid_state",
    /// The person declined at the provider, or its code is used up.
    BAD_REQUEST ProviderDenied = "provider_denied",
    /// No access token, or one that is broken, expired, revoked or for somebody else.
    UNAUTHORIZED Unauthenticated = "unauthenticated",
    /// The e-mail address or the password is wrong; which of them is not told.
    UNAUTHORIZED InvalidCredentials = "invalid_credentials",
    /// The refresh token is broken, used, expired or of an ended session.
    UNAUTHORIZED InvalidRefreshToken = "invalid_refresh_token",
    /// Whoever asks is known, but not allowed.
    FORBIDDEN Forbidden = "forbidden",
    /// The picture's address is not signed by us.
    FORBIDDEN InvalidSignature = "invalid_signature",
    /// The picture's address has expired; ask for the customer again.
    FORBIDDEN LinkExpired = "link_expired",
    /// Whoever signed in at the provider has no account here that may sign in.
    FORBIDDEN NotRegistered = "not_registered",
    /// The provider does not vouch for the e-mail address, which the first sign-in through it needs.
    FORBIDDEN EmailNotVerified = "email_not_verified",
    /// There is no such thing.
    NOT_FOUND NotFound = "not_found",
    /// Nobody can sign in through this provider here.
    NOT_FOUND UnknownProvider = "unknown_provider",
    /// The path does not know the method; `Allow` names those it knows.
    METHOD_NOT_ALLOWED MethodNotAllowed = "method_not_allowed",
    /// The body came too slowly.
    REQUEST_TIMEOUT RequestTimeout = "request_timeout",
    /// Somebody else has the e-mail address; `existing` says which customer.
    CONFLICT EmailTaken = "email_taken",
    /// Nobody could administer afterwards.
    CONFLICT LastAdmin = "last_admin",
    /// The provider's account cannot be linked to this user.
    CONFLICT IdentityTaken = "identity_taken",
    /// The user could not sign in any more afterwards.
    CONFLICT LastWayIn = "last_way_in",
    /// A request with this `Idempotency-Key` is under way; send it again shortly.
    CONFLICT IdempotencyKeyInUse = "idempotency_key_in_use",
    /// The customer's values were erased for good.
    GONE Erased = "erased",
    /// The record is not at the version that `If-Match` or `If-None-Match` asks for; `current` is the record as it is.
    PRECONDITION_FAILED VersionMismatch = "version_mismatch",
    /// The body is too large.
    PAYLOAD_TOO_LARGE TooLarge = "too_large",
    /// The body's `Content-Type` is not one that this path reads.
    UNSUPPORTED_MEDIA_TYPE UnsupportedMediaType = "unsupported_media_type",
    /// The bytes are no picture that we read.
    UNSUPPORTED_MEDIA_TYPE NotAnImage = "not_an_image",
    /// Fields are missing, unknown or wrong; `errors` names each.
    UNPROCESSABLE_ENTITY InvalidFields = "invalid_fields",
    /// Items of the batch cannot be carried out, and nothing was; `errors` names each.
    UNPROCESSABLE_ENTITY BatchRefused = "batch_refused",
    /// This `Idempotency-Key` came with another request before.
    UNPROCESSABLE_ENTITY IdempotencyKeyReused = "idempotency_key_reused",
    /// The picture has more pixels than we decode.
    UNPROCESSABLE_ENTITY PictureTooLarge = "picture_too_large",
    /// The picture is damaged and cannot be decoded.
    UNPROCESSABLE_ENTITY BrokenPicture = "broken_picture",
    /// Too many attempts to guess a password failed; the next may be made after `Retry-After`.
    TOO_MANY_REQUESTS TooManyAttempts = "too_many_attempts",
    /// A bug of ours; the request's id finds it in the log.
    INTERNAL_SERVER_ERROR Internal = "internal",
    /// The provider did not answer, or not as it must; begin again.
    BAD_GATEWAY ProviderError = "provider_error",
    /// Something we need is not there; the same request may succeed after `Retry-After`.
    SERVICE_UNAVAILABLE Unavailable = "unavailable",
}
