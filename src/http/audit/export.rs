//! The log, or a part of it, streamed: as many events as there are, in the memory of a page.
//!
//! The last line says how many events stand before it, and which log it is of. A stream that is cut lacks it, also where whatever
//! stands between has ended the answer as if it were whole.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use orderwire_domain::ids::{CompanyId, OrderId, ResellerId};
use sha2::{Digest as _, Sha256};
use strum::VariantArray as _;
use utoipa_axum::routes;

use crate::{
    audit::export::{self, CSV_HEADING, Encoding, End, Filter, Source, Stand},
    engine::leaf::hex,
    http::{
        App, api::Api, auth::Access, hub::Seat, openapi::tags, problem::Problem, request::Look, texts, words,
    },
};

/// What an export can be asked by.
const PARAMETERS: [&str; 7] = ["encoding", "after", "until", "order", "company", "reseller", "type"];

/// Adds the routes.
pub(super) fn routes(api: Api) -> Api {
    api.route(Access::Auditor, routes!(show))
}

/// Export the log, or a part of it, as a stream.
///
/// Events as they are stored, sealed where they are sealed. The last line is no event: it has the number of events, the
/// SHA-256 of everything before it, and the checkpoint of the log. Whatever lacks it was cut: go on with `after`.
#[utoipa::path(get, path = "/v1/audit/export", operation_id = "export_log", tag = tags::AUDIT,
    params(("encoding" = Option<words::ExportEncoding>, Query, description = "How events are written; `jsonl` where nobody says."),
        ("after" = Option<u64>, Query, description = "Only events after this position."),
        ("until" = Option<String>, Query, min_length = 1, description = "Only events up to this position, or recorded by this time (RFC 3339)."),
        ("order" = Option<texts::OrderId>, Query, description = "Only of this order, and of the ports for it."),
        ("company" = Option<texts::CompanyId>, Query, description = "Only of this company, its orders and its ports: its id."),
        ("reseller" = Option<texts::ResellerId>, Query, description = "Only of this reseller, and of everything that is its own: its id."),
        ("type" = Option<String>, Query, description = "Only events of these types, with commas between them.")),
    responses((status = 200, description = "The events, and then the end.", content(
        (String = "application/jsonl", example =
            "{\"end\":{\"events\":0,\"through\":0,\"sha256\":\"e3b0…\",\"log\":{\"size\":0,\"root\":\"e3b0…\",\"checkpoint\":null}}}\n"),
        (String = "text/csv")))))]
async fn show(look: Look) -> Result<Response, Problem> {
    look.only(&PARAMETERS)?;
    let types = look.text("type").unwrap_or_default().split(',').filter(|name| !name.is_empty());
    let filter = Filter {
        after: look.whole("after", 0, i64::MAX.unsigned_abs())?.unwrap_or(0),
        until: look.text("until").map(str::to_owned),
        order: id::<OrderId>(&look, "order")?,
        company: id::<CompanyId>(&look, "company")?,
        reseller: id::<ResellerId>(&look, "reseller")?,
        types: types.map(str::to_owned).collect(),
    };
    let encoding = look.word::<Encoding>("encoding")?.unwrap_or(Encoding::VARIANTS[0]);
    let app = look.app.clone();
    let log = export::stand(&app.engine, app.proving.signer.as_deref(), &app.proving.read).await?;
    let to = filter.check(&app.engine, log.size).await?;
    let seat = app.hub.seat(&look)?;
    let source = Source::open(&app.engine, &filter, filter.after, to).await?;
    let heading = if encoding == Encoding::Csv { export::csv_heading() } else { String::new() };
    let stream =
        Streamed { app, seat, source, encoding, log, heading, sum: Sha256::new(), events: 0, ended: false };
    let mut response = Body::from_stream(stream.chunks()).into_response();
    let media = if encoding == Encoding::Csv {
        "text/csv; charset=utf-8; header=present"
    } else {
        "application/jsonl"
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}

fn id<T: std::str::FromStr>(look: &Look, name: &str) -> Result<Option<T>, Problem> {
    let wrong = || Problem::parameter(name, "id_malformed", "it is no id of this kind", "its id");
    look.text(name).map(|text| text.parse().map_err(|_| wrong())).transpose()
}

/// A stream, and how far it is.
struct Streamed {
    app: App,
    seat: Seat,
    source: Source,
    encoding: Encoding,
    log: Stand,
    /// What stands above everything and was not sent yet.
    heading: String,
    sum: Sha256,
    events: u64,
    ended: bool,
}

impl Streamed {
    fn chunks(self) -> impl futures::Stream<Item = Result<String, std::io::Error>> + Send + 'static {
        futures::stream::try_unfold(self, |mut stream| async {
            let chunk = stream.next().await.inspect_err(|error| {
                tracing::warn!(%error, "an export ends early");
            })?;
            Ok(chunk.map(|chunk| (chunk, stream)))
        })
    }

    /// What comes next; nothing behind the end.
    async fn next(&mut self) -> Result<Option<String>, std::io::Error> {
        loop {
            if self.ended {
                return Ok(None);
            }
            if self.seat.is_over(self.app.engine.now()) {
                return Err(std::io::Error::other("the server stops, or the key has ended"));
            }
            let page = self.source.page(&self.app.engine).await.map_err(std::io::Error::other)?;
            let mut chunk = std::mem::take(&mut self.heading);
            let Some(page) = page else {
                self.sum.update(&chunk);
                self.ended = true;
                return Ok(Some(chunk + &self.end()));
            };
            for event in &page {
                chunk += &export::written(event, self.encoding).map_err(std::io::Error::other)?;
            }
            self.events += page.len() as u64;
            self.sum.update(&chunk);
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
    }

    fn end(&self) -> String {
        let sha256 = hex(&self.sum.clone().finalize());
        let (events, through, log) = (self.events, self.source.through(), self.log.clone());
        let end = serde_json::json!({ "end": End { events, through, sha256, log } }).to_string();
        match self.encoding {
            Encoding::Jsonl | Encoding::CloudEvents => end + "\n",
            // As wide as every other record; its position is the word, its payload says the rest.
            Encoding::Csv => {
                let cells = CSV_HEADING.map(|name| match name {
                    "position" => "end".to_owned(),
                    "payload" => format!("\"{}\"", end.replace('"', "\"\"")),
                    _ => String::new(),
                });
                cells.join(",") + "\r\n"
            }
        }
    }
}
