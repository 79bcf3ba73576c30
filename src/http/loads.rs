//! Reference data: what the carrier loads, and which places it has numbers for.
//!
//! Deliberately absent: files larger than the bound of one request and the regulator's blocks, which come in several files
//! that belong together; both are loaded by the command line.

use axum::{body::Body, http::HeaderMap};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Time},
    api::Api,
    auth::Access,
    body,
    openapi::tags,
    page::{self, Listed},
    problem::{Fault, Problem},
    request::{self, Look},
    texts, words,
};
use crate::{
    edge::{
        self,
        loads::{LoadError, LoadReport, Source, load_addresses},
    },
    engine::{
        query,
        reference::loads::{self, LoadKind, LoadRecord},
    },
};

/// Refused rows that an answer repeats.
const REFUSED_SHOWN_MAX: usize = 100;

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Operator, routes!(load))
        .route(Access::Operator, routes!(list))
        .route(Access::Tenant, routes!(places))
}

/// What became of a load.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Load)]
struct LoadBody {
    /// Its id.
    id: String,
    /// What was loaded: `addresses` or `numbering`.
    #[schema(value_type = words::LoadKind)]
    kind: String,
    /// What became of it: `begun` (under way, or cut short), `loaded`, `refused` or `replaced`.
    #[schema(value_type = words::LoadState)]
    state: String,
    /// From what.
    files: Vec<FileBody>,
    /// By whom: an opaque id.
    actor: String,
    /// When it began.
    begun_at: Time,
    /// When it ended.
    ended_at: Option<Time>,
}

/// A file of a load.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LoadedFile)]
struct FileBody {
    /// Its name.
    name: String,
    /// Of its bytes, as hex.
    sha256: String,
    /// Rows that were taken.
    rows: u64,
    /// Rows that were refused.
    refused: u64,
    /// Rows of no use here.
    passed_over: u64,
}

/// A load, with what was wrong in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LoadReport)]
struct ReportBody {
    /// What became of it.
    load: LoadBody,
    /// The first hundred rows that were refused; `pointer` names line and column.
    refused: Vec<Fault>,
}

/// A place with stock.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Place)]
struct PlaceBody {
    /// Its area code.
    #[schema(value_type = texts::AreaCode)]
    area_code: String,
    /// The place.
    #[schema(value_type = texts::SiteName)]
    place: String,
    /// How many numbers the carrier has there.
    numbers: u64,
    /// How many of them are free.
    free: u64,
}

impl From<LoadRecord> for LoadBody {
    fn from(record: LoadRecord) -> Self {
        let files = record.files.into_iter().map(|file| FileBody {
            name: file.name,
            sha256: file.sha256,
            rows: file.rows,
            refused: file.refused,
            passed_over: file.passed_over,
        });
        Self {
            id: record.load.simple().to_string(),
            kind: record.kind.to_string(),
            state: record.state.to_string(),
            files: files.collect(),
            actor: record.actor,
            begun_at: record.begun_at.into(),
            ended_at: record.ended_at.map(Time),
        }
    }
}

/// Load addresses from a CSV file; each row takes the place of the address with its key.
///
/// Columns are found by their headings: `key`, `qualifier`, `street`, `town` and `postcode` must be there; `organisation`,
/// `building`, `number` and `locality` may be. Rows that break a rule are left out and reported,
/// the others are in force. A file that is cut short loads nothing.
#[utoipa::path(post, path = "/v1/operator/addresses", operation_id = "load_addresses", tag = tags::OPERATOR,
    request_body(content_type = "text/csv", content = String,
        example = "key,qualifier,number,street,town,postcode\nA00000000901,gold,1,Station Approach,Leeds,LS1 4AP\n"),
    responses((status = 200, description = "Loaded, but for the rows that it names.", body = ReportBody)))]
async fn load(look: Look, headers: HeaderMap, body: Body) -> Result<Answer, Problem> {
    look.only(&[])?;
    // The same file loads the same rows, so nothing needs to be remembered under the key.
    request::key(&headers)?;
    let bytes = body::read_csv(&headers, body, look.app.limits).await?;
    let source = Source { name: "request".to_owned(), bytes: Box::new(std::io::Cursor::new(bytes)) };
    let report = load_addresses(&look.app.engine, &look.provenance(), source).await;
    let LoadReport { record, refused } = report.map_err(|error| match error {
        LoadError::Refused(problems) => Problem::from(problems),
        LoadError::File { error, .. } => {
            let detail = error.to_string();
            vec![edge::Problem::new("", "csv_malformed", detail, "CSV in UTF-8 with a heading")].into()
        }
        LoadError::Engine(error) => error.into(),
    })?;
    let refused = refused.into_iter().take(REFUSED_SHOWN_MAX);
    let refused = refused.map(|row| Fault::from(edge::Problem::from(row))).collect();
    Ok(Answer::ok(&ReportBody { load: record.into(), refused }))
}

/// List what was loaded, the last load first.
#[utoipa::path(get, path = "/v1/operator/loads", operation_id = "list_loads", tag = tags::OPERATOR,
    params(("kind" = words::LoadKind, Query, description = "`addresses` or `numbering`.", example = "addresses"),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500.")),
    responses((status = 200, description = "The latest of them.", body = Listed<LoadBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["kind", "limit"])?;
    let missing =
        || Problem::parameter("kind", "parameter_missing", "it is not given", "addresses or numbering");
    let kind: LoadKind = look.word("kind")?.ok_or_else(missing)?;
    let loads = loads::list(look.app.engine.log(), kind, page::limit(&look)?).await?;
    Ok(Answer::ok(&Listed { items: loads.into_iter().map(LoadBody::from).collect(), next: None }))
}

/// List the area codes and places that have numbers, with how many are free.
#[utoipa::path(get, path = "/v1/places", operation_id = "list_places", tag = tags::NUMBERS,
    responses((status = 200, description = "Every one, by area code.", body = Listed<PlaceBody>)))]
async fn places(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    look.ready(&orderwire_domain::views::number_availability::STOCK_BLOCK).await?;
    let places = query::stock_places(look.app.engine.log()).await?.into_iter();
    let items = places.map(|it| PlaceBody {
        area_code: it.area.to_string(),
        place: it.place.to_string(),
        numbers: it.numbers,
        free: it.free,
    });
    Ok(Answer::ok(&Listed { items: items.collect(), next: None }))
}
