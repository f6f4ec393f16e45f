//! What a function answers, told once: axum's router answers it, and [`Document`] describes it (OpenAPI 3.1).
//!
//! A handler's arguments say what it reads and what it refuses ([`Argument`]); the table of routes adds what they cannot
//! say: the answers, and the refusals of the handler's own. A route that is not described does not compile.

mod arguments;
mod document;
mod headers;
mod operation;
pub mod schemas;

pub use arguments::{Argument, BODY, Described, Segments};
pub use document::Document;
pub use headers::{RequestHeader, ResponseHeader};
pub use operation::Operation;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodFilter, on},
};

/// Takes a function's routes, one by one.
pub trait Routes<S>: Sized {
    /// Takes one route: the handler, and the description of what its arguments do not say.
    #[must_use]
    fn on<H, T, A>(
        self,
        method: Method,
        path: &'static str,
        handler: H,
        describe: impl FnOnce(Operation) -> Operation,
    ) -> Self
    where
        H: Handler<T, S> + Described<A>,
        T: 'static;

    /// Begins a chapter of the document.
    #[must_use]
    fn chapter(self, name: &'static str, about: &'static str) -> Self;

    /// Takes a route of `GET`.
    #[must_use]
    fn get<H, T, A>(
        self,
        path: &'static str,
        handler: H,
        describe: impl FnOnce(Operation) -> Operation,
    ) -> Self
    where
        H: Handler<T, S> + Described<A>,
        T: 'static,
    {
        self.on(Method::GET, path, handler, describe)
    }

    /// Takes a route of `POST`.
    #[must_use]
    fn post<H, T, A>(
        self,
        path: &'static str,
        handler: H,
        describe: impl FnOnce(Operation) -> Operation,
    ) -> Self
    where
        H: Handler<T, S> + Described<A>,
        T: 'static,
    {
        self.on(Method::POST, path, handler, describe)
    }

    /// Takes a route of `PUT`.
    #[must_use]
    fn put<H, T, A>(
        self,
        path: &'static str,
        handler: H,
        describe: impl FnOnce(Operation) -> Operation,
    ) -> Self
    where
        H: Handler<T, S> + Described<A>,
        T: 'static,
    {
        self.on(Method::PUT, path, handler, describe)
    }

    /// Takes a route of `PATCH`.
    #[must_use]
    fn patch<H, T, A>(
        self,
        path: &'static str,
        handler: H,
        describe: impl FnOnce(Operation) -> Operation,
    ) -> Self
    where
        H: Handler<T, S> + Described<A>,
        T: 'static,
    {
        self.on(Method::PATCH, path, handler, describe)
    }

    /// Takes a route of `DELETE`.
    #[must_use]
    fn delete<H, T, A>(
        self,
        path: &'static str,
        handler: H,
        describe: impl FnOnce(Operation) -> Operation,
    ) -> Self
    where
        H: Handler<T, S> + Described<A>,
        T: 'static,
    {
        self.on(Method::DELETE, path, handler, describe)
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for Router<S> {
    fn on<H, T, A>(
        self,
        method: Method,
        path: &'static str,
        handler: H,
        _: impl FnOnce(Operation) -> Operation,
    ) -> Self
    where
        H: Handler<T, S> + Described<A>,
        T: 'static,
    {
        let method = MethodFilter::try_from(method).expect("a method that axum knows");
        self.route(path, on(method, handler))
    }

    fn chapter(self, _: &'static str, _: &'static str) -> Self {
        self
    }
}
