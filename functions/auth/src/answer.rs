//! What a provider sends a browser back with.

use crate::providers::word;
use serde::Deserialize;
use shared::{
    api::schemas::text,
    error::{ApiError, ApiResult},
};
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

/// The longest code that is passed on, in bytes.
const LONGEST_CODE: usize = 4 * 1_024;

/// The parameters with which a provider sends a browser back. Those that we do not know are none of our business
/// (RFC 6749, section 4.1.2).
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Answer(Vec<(String, String)>);

impl IntoParams for Answer {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameters = [
            (
                "state",
                "Names the sign-in; the provider gives back what it got.",
            ),
            (
                "code",
                "What the product exchanges for the person's identity, once.",
            ),
            ("error", "Why there is no code."),
            ("iss", "The provider's issuer (RFC 9207)."),
        ];
        let parameter = |(name, about)| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(place().unwrap_or_default())
                .required(Required::False)
                .description(Some(about))
                .schema(Some(text()))
                .build()
        };
        parameters.map(parameter).into()
    }
}

impl Answer {
    /// A parameter that may stand there once.
    pub(crate) fn only(&self, name: &str) -> ApiResult<Option<&str>> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value.map(|(_, value)| value.as_str())),
            _ => Err(ApiError::InvalidState),
        }
    }

    /// The code, if the provider gave one and nothing else.
    pub(crate) fn code(&self) -> ApiResult<&str> {
        match (self.only("code")?, self.only("error")?) {
            (Some(code), None) if (1..=LONGEST_CODE).contains(&code.len()) => Ok(code),
            (None, Some(error)) => Err(refused(error)),
            _ => Err(ApiError::InvalidState),
        }
    }
}

/// What a provider's refusal is: the person's, or one of how this application is set up there.
fn refused(error: &str) -> ApiError {
    // OpenID Connect Core 1.0, section 3.1.2.6: login_required, consent_required, …
    if error == "access_denied" || error.ends_with("_required") {
        return ApiError::ProviderDenied;
    }
    ApiError::ProviderError(anyhow::anyhow!(
        "it sent the person back with: {}",
        word(error)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(answer: &[(&str, &str)]) -> Result<String, &'static str> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let answer = Answer(answer.iter().map(own).collect());
        answer
            .code()
            .map(str::to_owned)
            .map_err(|error| error.status().1)
    }

    #[test]
    fn an_answer_has_one_code_or_one_error() {
        assert_eq!(
            code(&[("code", "c"), ("scope", "a"), ("scope", "b")]),
            Ok("c".to_owned())
        );
        let denied = Err("provider_denied");
        assert_eq!(
            code(&[("error", "access_denied"), ("error_reason", "x")]),
            denied
        );
        assert_eq!(code(&[("error", "login_required")]), denied);
        assert_eq!(code(&[("error", "server_error")]), Err("provider_error"));
        let long = "c".repeat(LONGEST_CODE + 1);
        for odd in [
            &[][..],
            &[("code", "")],
            &[("code", &long)],
            &[("code", "c"), ("code", "c")],
            &[("code", "c"), ("error", "access_denied")],
            &[("error", "access_denied"), ("error", "access_denied")],
        ] {
            assert_eq!(code(odd), Err("invalid_state"), "{odd:?}");
        }
    }
}
