//! What a reseller is told, as it happens: server-sent events.
//!
//! A stream subscribes first, then reads what there is after its place, then goes on with what the [hub](super::hub) hands
//! out. It counts sequences: where one is missing it reads the table again, so there is neither a gap nor a repetition. It is
//! pulled by its connection: whoever reads slowly holds no more than a page, and whoever does not read at all is cut off
//! ([`patience`](super::patience)), with its place kept by its own `Last-Event-ID`.

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::Stream;
use orderwire_domain::{ids::ResellerId, views::notices::NOTICE};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    App,
    api::Api,
    auth::Access,
    hub::{Seat, Told},
    notices::{Wanted, reseller, told, within_told},
    openapi::tags,
    problem::Problem,
    request::Look,
};
use crate::engine::Error;

/// Where the stream is.
pub const PATH: &str = "/v1/notices/stream";
/// The header by which a receiver that comes again says what it has.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Notices that a stream reads at once.
const PAGE: usize = 50;

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(stream))
}

/// One event of the stream, by its lines.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is written line by line; this says to the reader of the API what it is")]
struct StreamedNotice {
    /// The sequence of the notice, for `Last-Event-ID`.
    #[schema(example = "42")]
    id: String,
    /// The type of the notice.
    #[schema(example = "com.orderwire.order.completed.v1")]
    event: String,
    /// The notice, as JSON.
    #[schema(example = "{\"specversion\":\"1.0\"}")]
    data: String,
}

/// Follow what a reseller is told.
///
/// Server-sent events: `id` is the sequence, `event` the type, `data` the notice. A receiver that comes again with
/// `Last-Event-ID` is told everything after it; one that comes with neither that nor `after` is told what happens from then
/// on. A comment now and then shows that the connection lives.
#[utoipa::path(get, path = "/v1/notices/stream", operation_id = "stream_notices", tag = tags::NOTIFICATION,
    params(("Last-Event-ID" = Option<u64>, Header, description = "The sequence of the last notice that was received."),
        ("after" = Option<u64>, Query, example = 0,
            description = "The same for whoever connects first; 0 for everything there ever was."),
        ("types" = Option<String>, Query, example = "order.completed,port.accepted",
            description = "Only these types, with commas between them: in full, or without `com.orderwire.` and version."),
        ("order" = Option<super::texts::OrderId>, Query, description = "Only what belongs to this order."),
        ("reseller" = Option<super::texts::ResellerCode>, Query, description = "The code of the reseller; only where the carrier asks.")),
    responses((status = 200, description = "What there is, and then what happens, until somebody ends it.",
        content_type = "text/event-stream", body = StreamedNotice,
        example = json!({ "id": "42", "event": "com.orderwire.order.completed.v1", "data": "{\"specversion\":\"1.0\"}" }))))]
async fn stream(look: Look, headers: HeaderMap) -> Result<Response, Problem> {
    look.only(&["after", "types", "order", "reseller"])?;
    look.ready(&NOTICE).await?;
    let reseller = reseller(&look).await?;
    let wanted = Wanted::of(&look)?;
    let app = look.app.clone();
    let seat = app.hub.seat(&look)?;
    // Before anything is read, so that whatever is told after that is heard.
    let live = app.hub.subscribe(reseller);
    // Both are looked at, also where one of them suffices.
    let after = look.whole("after", 0, i64::MAX.unsigned_abs())?.map(|after| (after, "after"));
    let after = last_event(&headers)?.map(|last| (last, "Last-Event-ID")).or(after);
    let through = match after {
        Some((after, named)) => {
            within_told(&app.engine, reseller, after, named).await?;
            after
        }
        None => told(&app.engine, reseller).await?,
    };
    let tail = Tail { app, reseller, wanted, seat, live, through, behind: true, page: VecDeque::new() };
    let heartbeat = KeepAlive::new().interval(tail.app.limits.heartbeat);
    let mut response = Sse::new(tail.events()).keep_alive(heartbeat).into_response();
    // Proxies that gather answers would keep them from their receivers.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn last_event(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        let detail = "it is no such number";
        Problem::parameter(
            "Last-Event-ID",
            "number_out_of_bounds",
            detail,
            "the `id` of an event of this stream",
        )
    })
}

/// A stream, and where it is.
struct Tail {
    app: App,
    reseller: ResellerId,
    wanted: Wanted,
    seat: Seat,
    live: Receiver<Arc<Told>>,
    /// Up to which sequence everything is in `page` or was sent.
    through: u64,
    /// Whether the table has more.
    behind: bool,
    /// What was read and is not sent yet.
    page: VecDeque<Arc<Told>>,
}

impl Tail {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> + Send + 'static {
        futures::stream::unfold(self, |mut tail| async {
            let told = tail.next().await?;
            let event = Event::default()
                .id(told.notice.sequence.to_string())
                .event(told.notice.notice_type.word())
                .data(&told.json);
            Some((Ok(event), tail))
        })
    }

    /// The next notice that is wanted; nothing once the stream is over.
    async fn next(&mut self) -> Option<Arc<Told>> {
        loop {
            if self.seat.is_over(self.app.engine.now()) {
                return None;
            }
            if let Some(told) = self.page.pop_front() {
                return Some(told);
            }
            if self.behind {
                if let Err(error) = self.read().await {
                    // The receiver comes again, and says where it was.
                    tracing::warn!(%error, "a stream of notices ends early");
                    return None;
                }
                continue;
            }
            let heard = tokio::select! {
                () = self.seat.ended() => return None,
                // Nothing may be told for long: a token expires all the same.
                () = self.seat.may_expire() => continue,
                heard = self.live.recv() => heard,
            };
            if self.seat.is_over(self.app.engine.now()) {
                return None;
            }
            match heard {
                Ok(told) if told.notice.sequence <= self.through => {}
                Ok(told) if told.notice.sequence == self.through + 1 => {
                    self.through = told.notice.sequence;
                    if self.wanted.takes(&told.notice) {
                        return Some(told);
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn read(&mut self) -> Result<(), Error> {
        let looked = self.wanted.look(&self.app.engine, self.reseller, self.through, PAGE).await?;
        self.through = looked.through;
        self.behind = looked.more;
        self.page.extend(looked.items.into_iter().map(|notice| Arc::new(Told::from(notice))));
        Ok(())
    }
}
