//! Routes: registered through one function, which demands who may ask and completes what the document says of them.

use axum::{Router, middleware};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::{
    App,
    auth::{Access, Purpose, gate},
    openapi, precise,
};

/// Every route so far.
pub struct Api {
    app: App,
    router: OpenApiRouter<App>,
}

impl Api {
    /// None yet.
    pub fn new(app: App) -> Self {
        Self { app, router: OpenApiRouter::with_openapi(openapi::beginning()) }
    }

    /// What its handlers are given.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Adds the operations of one path, which `utoipa_axum::routes!` made of their handlers.
    #[must_use]
    pub fn route(self, access: Access, routes: UtoipaMethodRouter<App>) -> Self {
        self.gated(access, Purpose::ByMethod, routes)
    }

    /// Adds a question that is sent as a body and changes nothing.
    #[must_use]
    pub fn question(self, access: Access, routes: UtoipaMethodRouter<App>) -> Self {
        self.gated(access, Purpose::Question, routes)
    }

    fn gated(
        self,
        access: Access,
        purpose: Purpose,
        (schemas, mut paths, methods): UtoipaMethodRouter<App>,
    ) -> Self {
        for (path, item) in &mut paths.paths {
            openapi::complete(path, Some((access, purpose)), item);
        }
        let gate = middleware::from_fn_with_state((self.app.clone(), access, purpose), gate);
        Self { router: self.router.routes((schemas, paths, methods.route_layer(gate))), ..self }
    }

    /// Adds what anybody may ask for, known or not.
    #[must_use]
    pub fn public(self, (schemas, mut paths, methods): UtoipaMethodRouter<App>) -> Self {
        for (path, item) in &mut paths.paths {
            openapi::complete(path, None, item);
        }
        Self { router: self.router.routes((schemas, paths, methods)), ..self }
    }

    /// The routes and the document.
    pub fn finish(self) -> (Router<App>, OpenApi) {
        let (router, mut document) = self.router.split_for_parts();
        precise::finish(&mut document);
        (router, document)
    }
}
