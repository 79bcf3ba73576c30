//! The document and the page that shows it, with everything the page needs inside the binary.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use super::{App, problem::Problem};

/// Where the document is.
const DOCUMENT: &str = "/openapi.json";

/// Adds the document and its page. Both are the same for everybody, so nobody is asked who they are.
pub fn routes(router: Router<App>, document: &OpenApi) -> Router<App> {
    let text: Arc<str> = text(document).into();
    let config = Arc::new(Config::from(DOCUMENT).validator_url("none"));
    let begin = Arc::clone(&config);
    router
        .route(
            DOCUMENT,
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) }),
        )
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(move || async move { page("", begin) }))
        .route("/docs/{*file}", get(move |Path(file): Path<String>| async move { page(&file, config) }))
}

/// The document as JSON text.
pub fn text(document: &OpenApi) -> String {
    document.to_pretty_json().expect("the document has string keys only")
}

fn page(file: &str, config: Arc<Config<'static>>) -> Response {
    match utoipa_swagger_ui::serve(file, config) {
        Ok(Some(found)) => {
            ([(header::CONTENT_TYPE, found.content_type)], found.bytes.into_owned()).into_response()
        }
        Ok(None) => Problem::not_found("resource", file).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page of the document cannot be shown");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the page cannot be shown")
                .into_response()
        }
    }
}
