//! The document: every operation of the whole origin, and what they share.

use super::{
    Described, Operation, RequestHeader, ResponseHeader, Routes,
    headers::carry,
    operation::{ACCESS_TOKEN, REFRESH_COOKIE},
    schemas::one_of,
};
use crate::{
    error::{Code, FieldError, ItemError, Problem},
    server::Health,
};
use axum::{
    handler::Handler,
    http::{Method, StatusCode},
};
use serde_json::{Value, json};
use std::{any::type_name, collections::BTreeMap};
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        AllOfBuilder, Components, Content, HttpMethod, Info, LicenseBuilder, ObjectBuilder,
        OpenApi, OpenApiBuilder, Paths, Ref, RefOr, Response, ResponseBuilder, Schema, Server,
        Type,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
        tag::{Tag, TagBuilder},
    },
};

/// The type of every problem (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// What has been described so far.
#[derive(Default)]
pub struct Document {
    paths: Paths,
    schemas: BTreeMap<String, RefOr<Schema>>,
    refusals: BTreeMap<String, RefOr<Response>>,
    chapters: Vec<Tag>,
}

impl<S> Routes<S> for Document {
    fn on<H, T, A>(
        mut self,
        method: Method,
        path: &'static str,
        _: H,
        describe: impl FnOnce(Operation) -> Operation,
    ) -> Self
    where
        H: Handler<T, S> + Described<A>,
        T: 'static,
    {
        let name = type_name::<H>().rsplit("::").next().unwrap_or_default();
        let operation = describe(H::describe(self.begin(name, path)));
        self.add(&method, path, operation);
        self
    }

    fn chapter(mut self, name: &'static str, about: &'static str) -> Self {
        let chapter = TagBuilder::new().name(name).description(Some(about));
        self.chapters.push(chapter.build());
        self
    }
}

impl Document {
    fn begin(&self, name: &str, path: &str) -> Operation {
        let chapter = self.chapters.last().map(|chapter| chapter.name.as_str());
        Operation::new(name, path, chapter.unwrap_or_default())
    }

    fn add(&mut self, method: &Method, path: &str, operation: Operation) {
        let operation = operation.finish(self);
        let method = match *method {
            Method::POST => HttpMethod::Post,
            Method::PUT => HttpMethod::Put,
            Method::PATCH => HttpMethod::Patch,
            Method::DELETE => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        self.paths.add_path_operation(path, vec![method], operation);
    }

    /// Adds the health of these services.
    #[must_use]
    pub fn with_health(mut self, services: &[&'static str]) -> Self {
        let about = "Whether the services can serve.";
        self = Routes::<()>::chapter(self, "Health", about);
        for service in services {
            let path = format!("/health/{service}");
            let operation = self
                .begin(&format!("find_{service}_health"), &path)
                .does(
                    &format!("Ask whether `{service}` can serve"),
                    "It asks its database.",
                )
                .answers::<Health>(StatusCode::OK, "It can.");
            self.add(&Method::GET, &path, operation);
        }
        self
    }

    /// Keeps schemas.
    ///
    /// # Panics
    /// When two differ that have one name.
    pub(super) fn keep(&mut self, schemas: Vec<(String, RefOr<Schema>)>) {
        for (name, schema) in schemas {
            let known = self
                .schemas
                .entry(name.clone())
                .or_insert_with(|| schema.clone());
            assert!(*known == schema, "two schemas are called {name}");
        }
    }

    /// The answer that refuses with one of these codes, which have one status. One that carries more than others do
    /// stands where it is used.
    pub(super) fn refusal(
        &mut self,
        codes: &[Code],
        carried: &[ResponseHeader],
    ) -> RefOr<Response> {
        if !carried.is_empty() {
            let mut response = refusal(codes);
            carried
                .iter()
                .for_each(|header| carry(&mut response, *header));
            return RefOr::T(response);
        }
        let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
        let name = names.join(".");
        let reference = Ref::from_response_name(name.clone());
        self.refusals
            .entry(name)
            .or_insert_with(|| RefOr::T(refusal(codes)));
        RefOr::Ref(reference)
    }

    /// The whole document.
    #[must_use]
    pub fn finish(mut self) -> OpenApi {
        let mut schemas = Vec::new();
        Problem::schemas(&mut schemas);
        ItemError::schemas(&mut schemas);
        schemas.extend([
            (Problem::name().into_owned(), Problem::schema()),
            (FieldError::name().into_owned(), FieldError::schema()),
            (ItemError::name().into_owned(), ItemError::schema()),
        ]);
        self.keep(schemas);
        let mut components = Components::new();
        components.schemas = self.schemas;
        components.responses = self.refusals;
        for header in ResponseHeader::ALL {
            let component = RefOr::T(header.component());
            components
                .headers
                .insert(header.name().to_owned(), component);
        }
        for header in RequestHeader::ALL {
            let (name, component) = header.component();
            components
                .parameters
                .insert(name.to_owned(), RefOr::T(component));
        }
        for (name, scheme) in security_schemes() {
            components.add_security_scheme(name, scheme);
        }
        let mut info = Info::new("CRM", env!("CARGO_PKG_VERSION"));
        info.description = Some(include_str!("about.md").to_owned());
        let license = LicenseBuilder::new().name("Apache-2.0");
        info.license = Some(license.identifier(Some("Apache-2.0")).build());
        OpenApiBuilder::new()
            .info(info)
            .servers(Some([Server::new("/")]))
            .tags(Some(self.chapters))
            .paths(self.paths)
            .components(Some(components))
            .build()
    }
}

fn refusal(codes: &[Code]) -> Response {
    let status = codes
        .first()
        .map_or(StatusCode::INTERNAL_SERVER_ERROR, |code| code.status());
    let line = |code: &Code| format!("`{}`: {}", code.as_str(), code.meaning());
    let about: Vec<_> = codes.iter().map(line).collect();
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .enum_values(Some([status.as_u16()]));
    let exactly = ObjectBuilder::new()
        .property("status", number)
        .property("code", one_of(codes.iter().map(|code| code.as_str())));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name(Problem::name()))
        .item(exactly);
    let mut content = Content::new(Some(schema));
    content.example = codes.first().map(|code| example(*code));
    let mut response = ResponseBuilder::new()
        .description(about.join("\n\n"))
        .content(PROBLEM, content)
        .build();
    carry(&mut response, ResponseHeader::RequestId);
    if status == StatusCode::UNAUTHORIZED {
        carry(&mut response, ResponseHeader::WwwAuthenticate);
    }
    if codes.iter().any(|code| code.is_passing()) {
        carry(&mut response, ResponseHeader::RetryAfter);
    }
    response
}

fn example(code: Code) -> Value {
    let status = code.status();
    let mut problem = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": code.meaning(),
        "code": code.as_str(),
        "request_id": "8a3f1c0e5b7d4926a1c3e5f708192a3b",
    });
    match code {
        Code::InvalidFields => {
            let error = json!({ "field": "surname", "code": "required", "message": "`surname` must be given" });
            problem["errors"] = json!([error]);
        }
        Code::EmailTaken => problem["existing"] = json!({ "id": 7, "deleted": false }),
        _ => {}
    }
    problem
}

fn security_schemes() -> [(&'static str, SecurityScheme); 2] {
    let mut token = Http::new(HttpAuthScheme::Bearer);
    token.bearer_format = Some("JWT".to_owned());
    token.description =
        Some("The access token that a sign-in or a refresh gave; good for ten minutes.".to_owned());
    let cookie = ApiKeyValue::with_description(
        "__Host-refresh",
        "The refresh token of a browser, set by a sign-in; only `POST /token` reads it, and only from the product's own pages.",
    );
    [
        (ACCESS_TOKEN, SecurityScheme::Http(token)),
        (
            REFRESH_COOKIE,
            SecurityScheme::ApiKey(ApiKey::Cookie(cookie)),
        ),
    ]
}
