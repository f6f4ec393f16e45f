//! What the arguments of a handler say about its operation.

use super::{
    Operation, RequestHeader,
    schemas::{text, without_null},
};
use crate::{
    body::Body,
    error::Code,
    extract::{IfMatch, IfNoneMatch, Path, Query},
    id::{CustomerId, ImageId, SessionId, UserId},
    idempotency::Repeatable,
    image_url::{ImageSize, SignedQuery},
    token::{AdminUser, CurrentUser},
};
use axum::{
    extract::State,
    http::{HeaderMap, Method},
};
use utoipa::{IntoParams, ToSchema, openapi::path::ParameterIn};

/// An argument of a handler: what it reads of a request, and what it refuses.
pub trait Argument {
    /// Tells the operation.
    fn describe(operation: Operation) -> Operation;
}

/// A handler, described by its arguments `A`.
pub trait Described<A> {
    /// Tells the operation of each argument.
    fn describe(operation: Operation) -> Operation;
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<F, Answer, $($argument: Argument),*> Described<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Answer,
        {
            fn describe(operation: Operation) -> Operation {
                $(let operation = $argument::describe(operation);)*
                operation
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);
described!(A B C D E G);
described!(A B C D E G H);

impl<S> Argument for State<S> {
    fn describe(operation: Operation) -> Operation {
        operation
    }
}

impl Argument for Method {
    fn describe(operation: Operation) -> Operation {
        operation
    }
}

impl Argument for HeaderMap {
    fn describe(operation: Operation) -> Operation {
        operation
    }
}

impl Argument for CurrentUser {
    fn describe(operation: Operation) -> Operation {
        operation.signed_in().refuses(&[Code::Unauthenticated])
    }
}

impl Argument for AdminUser {
    fn describe(operation: Operation) -> Operation {
        CurrentUser::describe(operation)
            .refuses(&[Code::Forbidden])
            .remark("For administrators.")
    }
}

impl<T: Segments> Argument for Path<T> {
    fn describe(operation: Operation) -> Operation {
        T::describe(operation).refuses(&[Code::MalformedPath])
    }
}

/// What stands in a path.
pub trait Segments {
    /// Tells the operation.
    fn describe(operation: Operation) -> Operation;
}

macro_rules! segments {
    ($($id:ty),*) => {
        $(impl Segments for $id {
            fn describe(mut operation: Operation) -> Operation {
                let schema = operation.schema::<Self>();
                operation.segment(schema)
            }
        })*
    };
}

segments!(CustomerId, UserId, SessionId, ImageId, ImageSize);

impl Segments for String {
    fn describe(operation: Operation) -> Operation {
        operation.segment(text().min_length(Some(1)))
    }
}

impl<A: Segments, B: Segments> Segments for (A, B) {
    fn describe(operation: Operation) -> Operation {
        B::describe(A::describe(operation))
    }
}

impl<T: IntoParams> Argument for Query<T> {
    fn describe(mut operation: Operation) -> Operation {
        for mut parameter in T::into_params(|| Some(ParameterIn::Query)) {
            parameter.schema = parameter.schema.map(without_null);
            operation = operation.parameter(parameter);
        }
        operation.refuses(&[Code::MalformedQuery])
    }
}

impl Argument for SignedQuery {
    fn describe(operation: Operation) -> Operation {
        let mut operation = operation;
        for parameter in SignedQuery::into_params(|| Some(ParameterIn::Query)) {
            operation = operation.parameter(parameter);
        }
        operation.refuses(&[Code::InvalidSignature, Code::LinkExpired])
    }
}

impl Argument for Option<IfMatch> {
    fn describe(operation: Operation) -> Operation {
        operation
            .reads(RequestHeader::IfMatch)
            .refuses(&[Code::MalformedHeader, Code::VersionMismatch])
    }
}

impl Argument for Option<IfNoneMatch> {
    fn describe(operation: Operation) -> Operation {
        operation
            .reads(RequestHeader::IfNoneMatch)
            .refuses(&[Code::MalformedHeader])
    }
}

/// What any JSON body can be refused for.
pub const BODY: &[Code] = &[
    Code::MalformedBody,
    Code::RequestTimeout,
    Code::TooLarge,
    Code::UnsupportedMediaType,
    Code::InvalidFields,
];

impl<T: ToSchema> Argument for Body<T> {
    fn describe(mut operation: Operation) -> Operation {
        let content = operation.fields::<T>();
        operation
            .body("application/json", true, content)
            .refuses(BODY)
    }
}

impl<T: ToSchema> Argument for Repeatable<T> {
    fn describe(operation: Operation) -> Operation {
        Body::<T>::describe(operation)
            .reads(RequestHeader::IdempotencyKey)
            .refuses(&[
                Code::MalformedHeader,
                Code::IdempotencyKeyInUse,
                Code::IdempotencyKeyReused,
            ])
    }
}
