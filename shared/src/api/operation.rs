//! One operation of the document while it is being described.

use super::{
    document::Document,
    headers::{RequestHeader, ResponseHeader, carry},
    schemas::closed,
};
use crate::error::Code;
use axum::http::StatusCode;
use std::{collections::BTreeSet, vec};
use utoipa::{
    ToSchema,
    openapi::{
        Content, ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
        path::{self, Parameter, ParameterBuilder, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
        schema::AnyOfBuilder,
        security::SecurityRequirement,
    },
};

/// The scheme of access tokens.
pub(super) const ACCESS_TOKEN: &str = "access_token";
/// The scheme of the refresh token's cookie.
pub(super) const REFRESH_COOKIE: &str = "refresh_cookie";

/// One operation: what it reads, what it answers, what it refuses.
pub struct Operation {
    inner: path::Operation,
    /// The names in the path that no argument has taken yet.
    names: vec::IntoIter<String>,
    refusals: BTreeSet<Code>,
    /// What every refusal carries here, and nowhere else.
    carried: Vec<ResponseHeader>,
    answers: Vec<(StatusCode, Response)>,
    schemas: Vec<(String, RefOr<Schema>)>,
    remarks: Vec<&'static str>,
}

impl Operation {
    /// An operation of which nothing is known but its handler's name and its path. Each can break, and each can be
    /// away.
    pub(super) fn new(handler: &str, path: &str, chapter: &str) -> Self {
        let mut inner = path::Operation::new();
        inner.operation_id = Some(handler.to_owned());
        inner.tags = Some(vec![chapter.to_owned()]);
        inner.security = Some(Vec::new());
        let names = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next());
        let names: Vec<_> = names.map(str::to_owned).collect();
        Self {
            inner,
            names: names.into_iter(),
            refusals: BTreeSet::from([Code::Internal, Code::Unavailable]),
            carried: Vec::new(),
            answers: Vec::new(),
            schemas: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// What it does, in a few words; what there is to know about it, in sentences (Markdown).
    #[must_use]
    pub fn does(mut self, summary: &str, about: &'static str) -> Self {
        self.inner.summary = Some(summary.to_owned());
        self.remarks.insert(0, about);
        self
    }

    /// Adds a sentence to what there is to know about it.
    #[must_use]
    pub fn remark(mut self, remark: &'static str) -> Self {
        self.remarks.push(remark);
        self
    }

    /// Answers a `T` in JSON.
    #[must_use]
    pub fn answers<T: ToSchema>(mut self, status: StatusCode, about: &str) -> Self {
        let schema = self.schema::<T>();
        self.answers_as("application/json", status, about, schema)
    }

    /// Answers an `A` or a `B` in JSON.
    #[must_use]
    pub fn answers_either<A: ToSchema, B: ToSchema>(
        mut self,
        status: StatusCode,
        about: &str,
    ) -> Self {
        let schema = AnyOfBuilder::new()
            .item(self.schema::<A>())
            .item(self.schema::<B>());
        self.answers_as("application/json", status, about, schema)
    }

    /// Answers something of this type.
    #[must_use]
    pub fn answers_as(
        mut self,
        content_type: &str,
        status: StatusCode,
        about: &str,
        schema: impl Into<RefOr<Schema>>,
    ) -> Self {
        let content = Content::new(Some(schema));
        let response = ResponseBuilder::new()
            .description(about)
            .content(content_type, content);
        self.answers.push((status, response.build()));
        self
    }

    /// Answers without a body.
    #[must_use]
    pub fn answers_empty(mut self, status: StatusCode, about: &str) -> Self {
        self.answers.push((status, Response::new(about)));
        self
    }

    /// The last answer carries this header.
    ///
    /// # Panics
    /// Without an answer.
    #[must_use]
    pub fn with(mut self, header: ResponseHeader) -> Self {
        let (_, answer) = self.answers.last_mut().expect("an answer to carry it");
        carry(answer, header);
        self
    }

    /// Refuses with these problems, besides those that the handler's arguments know.
    #[must_use]
    pub fn refuses(mut self, codes: &[Code]) -> Self {
        self.refusals.extend(codes);
        self
    }

    /// Every refusal carries this header.
    #[must_use]
    pub fn refuses_with(mut self, header: ResponseHeader) -> Self {
        self.carried.push(header);
        self
    }

    /// Reads this header.
    #[must_use]
    pub fn reads(mut self, header: RequestHeader) -> Self {
        let parameters = self.inner.parameters.get_or_insert_default();
        parameters.push(RefOr::Ref(header.reference()));
        self
    }

    /// Reads this parameter.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        let parameters = self.inner.parameters.get_or_insert_default();
        parameters.push(RefOr::T(parameter));
        self
    }

    /// The next of the path's parameters has this form.
    ///
    /// # Panics
    /// When the path has no more of them.
    #[must_use]
    pub fn segment(mut self, schema: impl Into<RefOr<Schema>>) -> Self {
        let name = self.names.next().expect("a parameter in the path");
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(schema));
        self.parameter(parameter.build())
    }

    /// A parameter that is known already is about this, and has this form.
    ///
    /// # Panics
    /// Without one of this name.
    #[must_use]
    pub fn where_is(mut self, name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let mut known = self.inner.parameters.iter_mut().flatten();
        let parameter = known.find_map(|parameter| match parameter {
            RefOr::T(parameter) if parameter.name == name => Some(parameter),
            _ => None,
        });
        let parameter = parameter.expect("a parameter of this name");
        parameter.description = Some(about.to_owned());
        parameter.schema = Some(schema.into());
        self
    }

    /// Reads a body of this type; may be used again for another type.
    #[must_use]
    pub fn body(mut self, content_type: &str, required: bool, content: Content) -> Self {
        let body = self.inner.request_body.take();
        let body = match body {
            Some(RefOr::T(body)) => RequestBodyBuilder::from(body),
            _ => RequestBodyBuilder::new(),
        };
        let required = if required {
            Required::True
        } else {
            Required::False
        };
        let body: RequestBody = body
            .required(Some(required))
            .content(content_type, content)
            .build();
        self.inner.request_body = Some(RefOr::T(body));
        self
    }

    /// Reads the same body under another type.
    #[must_use]
    pub fn also_as(mut self, content_type: &str) -> Self {
        if let Some(RefOr::T(body)) = &mut self.inner.request_body
            && let Some(content) = body.content.values().next()
        {
            let content = content.clone();
            body.content.insert(content_type.to_owned(), content);
        }
        self
    }

    /// An example of the body.
    #[must_use]
    pub fn example(mut self, value: serde_json::Value) -> Self {
        if let Some(RefOr::T(body)) = &mut self.inner.request_body {
            for content in body.content.values_mut() {
                if let RefOr::T(content) = content {
                    content.example = Some(value.clone());
                }
            }
        }
        self
    }

    /// Wants an access token.
    #[must_use]
    pub fn signed_in(mut self) -> Self {
        let token = SecurityRequirement::new::<_, [&str; 0], _>(ACCESS_TOKEN, []);
        self.inner.security = Some(vec![token]);
        self
    }

    /// Takes the refresh token's cookie, if there is one.
    #[must_use]
    pub fn refresh_cookie(mut self) -> Self {
        let cookie = SecurityRequirement::new::<_, [&str; 0], _>(REFRESH_COOKIE, []);
        self.inner.security = Some(vec![SecurityRequirement::default(), cookie]);
        self
    }

    /// Keeps a schema for the document, and gives the reference to it.
    pub fn schema<T: ToSchema>(&mut self) -> Ref {
        T::schemas(&mut self.schemas);
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), T::schema()));
        Ref::from_schema_name(name)
    }

    /// Keeps the schema of a body, which holds no fields but those it names, and gives the content that it makes.
    pub fn fields<T: ToSchema>(&mut self) -> Content {
        T::schemas(&mut self.schemas);
        let name = T::name().into_owned();
        self.schemas.push((name.clone(), closed::<T>()));
        let reference = Ref::from_schema_name(name);
        ContentBuilder::new().schema(Some(reference)).build()
    }

    /// Hands everything over to the document.
    ///
    /// # Panics
    /// When something of the path is not described, or the operation does not say what it does.
    pub(super) fn finish(mut self, document: &mut Document) -> path::Operation {
        let id = self.inner.operation_id.clone().unwrap_or_default();
        assert!(self.names.next().is_none(), "{id} leaves a parameter out");
        assert!(
            self.inner.summary.is_some() && !self.answers.is_empty(),
            "{id} says too little"
        );
        let remarks = self.remarks.into_iter().filter(|remark| !remark.is_empty());
        let about = remarks.collect::<Vec<_>>().join("\n\n");
        self.inner.description = Some(about).filter(|about| !about.is_empty());
        document.keep(self.schemas);
        let responses = &mut self.inner.responses.responses;
        for (status, mut response) in self.answers {
            carry(&mut response, ResponseHeader::RequestId);
            responses.insert(status.as_str().to_owned(), RefOr::T(response));
        }
        let statuses: BTreeSet<_> = self.refusals.iter().map(|code| code.status()).collect();
        for status in statuses {
            let codes = self.refusals.iter().copied();
            let codes: Vec<_> = codes.filter(|code| code.status() == status).collect();
            let refusal = document.refusal(&codes, &self.carried);
            responses.insert(status.as_str().to_owned(), refusal);
        }
        self.inner
    }
}
