//! What a reseller is told, asked for page by page; and what asking has in common with [streams](super::notice_stream).
//!
//! Whoever asks says after which sequence, so nothing is kept for it here, and nothing is lost or told twice whatever becomes
//! of an answer. Deliberately absent: who is told what, and when, which the read models decide.

use std::time::Duration;

use axum::http::Uri;
use orderwire_domain::{
    ids::{OrderId, ResellerId},
    names::ResellerCode,
    notice::NoticeType,
    views::{
        notices::{NOTICE, Notice, NoticeCounter},
        table::Record as _,
    },
};
use tokio::time::Instant;
use utoipa_axum::routes;

use super::{
    answer::Answer,
    api::Api,
    auth::Access,
    notice_bodies::{NoticeBody, NoticePage},
    openapi::tags,
    page::LIMIT_MAX,
    problem::Problem,
    request::Look,
};
use crate::{
    edge::place,
    engine::{
        Engine, Error,
        log::{Comparison, Filter, Select},
        query::{self, equal},
    },
};

/// Notices of a page where the caller does not say.
const LIMIT: u64 = 50;
/// Seconds that a caller may wait for something to be told.
const WAIT_SECONDS_MAX: u64 = 60;
/// Notices that one look with a filter on types passes over; it says how far it came, so the next one goes on there.
const LOOKED_AT_MAX: usize = 2_000;
/// Rows that are fetched at once.
const ROWS_AT_ONCE: usize = 500;
/// Most types that one filter names: more than there are is a mistake.
const TYPES_MAX: usize = 100;
/// Where notices are asked for.
const PATH: &str = "/v1/notices";

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(list))
}

/// How much longer than others this request may take, because it was asked to wait.
pub fn waits(uri: &Uri) -> Duration {
    let wait = || {
        let query = uri.query().filter(|_| uri.path() == PATH)?;
        let (_, value) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "wait")?;
        value.parse().ok()
    };
    Duration::from_secs(wait().unwrap_or(0u64).min(WAIT_SECONDS_MAX))
}

/// List what a reseller is told, oldest first.
///
/// `after` is the last sequence that was dealt with, 0 to begin with. Without filters, sequences follow one another without a
/// gap, and each notice names the one before it. With filters, `through` says up to where nothing is missing. With `wait`, an
/// answer without notices comes only when that time is over.
#[utoipa::path(get, path = "/v1/notices", operation_id = "list_notices", tag = tags::NOTIFICATION,
    params(("after" = Option<u64>, Query, description = "Only what comes after this sequence; 0 where nobody says.", example = 41),
        ("types" = Option<String>, Query, example = "order.completed,port.accepted",
            description = "Only these types, with commas between them: in full, or without `com.orderwire.` and version."),
        ("order" = Option<super::texts::OrderId>, Query, description = "Only what belongs to this order."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("wait" = Option<u16>, Query, maximum = 60, description = "Seconds to wait for a notice where there is none yet, up to 60."),
        ("reseller" = Option<super::texts::ResellerCode>, Query, description = "The code of the reseller; only where the carrier asks.")),
    responses((status = 200, description = "What there is.", body = NoticePage)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["after", "types", "order", "limit", "wait", "reseller"])?;
    look.ready(&NOTICE).await?;
    let reseller = reseller(&look).await?;
    let wanted = Wanted::of(&look)?;
    let after = look.whole("after", 0, i64::MAX.unsigned_abs())?.unwrap_or(0);
    let limit = look.whole("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let wait = look.whole("wait", 0, WAIT_SECONDS_MAX)?.unwrap_or(0);
    let engine = &look.app.engine;
    within_told(engine, reseller, after, "after").await?;
    let mut looked = wanted.look(engine, reseller, after, limit).await?;
    if wait > 0 && looked.is_empty() {
        let seat = look.app.hub.seat(&look)?;
        let until = Instant::now() + Duration::from_secs(wait);
        // From here on nothing is missed, so what came before is looked at once more.
        let mut live = look.app.hub.subscribe(reseller);
        loop {
            looked = wanted.look(engine, reseller, looked.through, limit).await?;
            if !looked.is_empty() {
                break;
            }
            tokio::select! {
                // What it says, and whether it was missed, is found out by looking.
                _ = live.recv() => {}
                () = tokio::time::sleep_until(until) => break,
                () = seat.ended() => break,
            }
        }
    }
    let Looked { items, through, more } = looked;
    let next = more.then(|| through.to_string());
    let items = items.into_iter().map(NoticeBody::from).collect();
    let page = NoticePage { items, through, next };
    Ok(Answer::ok(&page).linked(&look, "after", page.next.as_deref()))
}

/// Whose notices are asked for.
pub(super) async fn reseller(look: &Look) -> Result<ResellerId, Problem> {
    let code: Option<ResellerCode> = look.parsed("reseller")?;
    let found = match &code {
        Some(code) => place::reseller(&look.app.engine, code).await?,
        None => look.caller.reseller,
    };
    // To a reseller, every other is as one that does not exist.
    let visible = found.filter(|reseller| look.caller.sees(*reseller));
    let (code, detail) = match code {
        Some(_) => ("reseller_unknown", "there is no such reseller"),
        None => ("reseller_missing", "nobody says whose notices"),
    };
    let expected = "the code of a reseller, such as R100";
    visible.ok_or_else(|| Problem::parameter("reseller", code, detail, expected))
}

/// The last sequence that a reseller was given.
pub(super) async fn told(engine: &Engine, reseller: ResellerId) -> Result<u64, Error> {
    let counter: Option<NoticeCounter> = query::get(engine.log(), &reseller.to_string()).await?;
    Ok(counter.map_or(0, |counter| counter.last))
}

/// Whoever has seen what was never sent has it from somewhere else, and would wait in vain.
pub(super) async fn within_told(
    engine: &Engine,
    reseller: ResellerId,
    after: u64,
    parameter: &str,
) -> Result<(), Problem> {
    let last = told(engine, reseller).await?;
    if after <= last {
        return Ok(());
    }
    let detail = format!("the last notice is {last}");
    Err(Problem::parameter(parameter, "sequence_beyond_last", detail, "the sequence of a notice, or 0"))
}

/// Which notices are wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Of these types; of any, where there is none.
    types: Vec<NoticeType>,
    /// Of this order.
    order: Option<OrderId>,
}

/// What a look has found.
pub(super) struct Looked {
    /// What was wanted, in order.
    pub(super) items: Vec<Notice>,
    /// Up to where nothing is missing.
    pub(super) through: u64,
    /// Whether there may be more at once.
    pub(super) more: bool,
}

impl Looked {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && !self.more
    }
}

impl Wanted {
    /// What a request wants.
    pub(super) fn of(look: &Look) -> Result<Self, Problem> {
        let order = look.parsed("order")?;
        let Some(text) = look.text("types") else { return Ok(Self { types: Vec::new(), order }) };
        let expected = "types such as order.completed, at most 100, with commas between them";
        let unknown = |name: &str| {
            let name: String = name.chars().take(60).collect();
            let detail = format!("there is no type `{name}`");
            Problem::parameter("types", "notice_type_unknown", detail, expected)
        };
        let types: Result<Vec<_>, _> = text
            .split(',')
            .take(TYPES_MAX + 1)
            .map(|name| NoticeType::named(name.trim()).ok_or_else(|| unknown(name)))
            .collect();
        let types = types?;
        if types.len() > TYPES_MAX {
            return Err(Problem::parameter("types", "too_many", "these are too many", expected));
        }
        Ok(Self { types, order })
    }

    /// Whether this one is.
    pub(super) fn takes(&self, notice: &Notice) -> bool {
        self.order.is_none_or(|order| notice.order == Some(order)) && self.takes_type(notice.notice_type)
    }

    fn takes_type(&self, notice_type: NoticeType) -> bool {
        self.types.is_empty() || self.types.contains(&notice_type)
    }

    /// What there is after a sequence, as far as one look goes.
    pub(super) async fn look(
        &self,
        engine: &Engine,
        reseller: ResellerId,
        after: u64,
        limit: usize,
    ) -> Result<Looked, Error> {
        // Read first: whatever it counts, the looks that follow see.
        let last = told(engine, reseller).await?;
        let mut looked = Looked { items: Vec::new(), through: after, more: true };
        let mut passed = 0;
        while passed < LOOKED_AT_MAX {
            let wanted = if self.types.is_empty() { limit - looked.items.len() } else { ROWS_AT_ONCE };
            let rows = self.rows(engine, reseller, looked.through, wanted).await?;
            let whole = rows.len() == wanted;
            passed += rows.len();
            for notice in rows {
                looked.through = notice.sequence;
                if self.takes_type(notice.notice_type) {
                    looked.items.push(notice);
                }
                if looked.items.len() == limit {
                    looked.more = looked.through < last;
                    return Ok(looked);
                }
            }
            if !whole {
                looked.through = looked.through.max(last);
                looked.more = false;
                return Ok(looked);
            }
        }
        Ok(looked)
    }

    async fn rows(
        &self,
        engine: &Engine,
        reseller: ResellerId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Notice>, Error> {
        let next = i64::try_from(after).unwrap_or(i64::MAX).saturating_add(1);
        let mut filters = vec![equal("reseller", reseller.to_string())];
        filters.extend(self.order.map(|order| equal("parent", order.to_string())));
        filters.push(Filter { column: "sequence", comparison: Comparison::AtLeast, value: next.into() });
        let select = Select {
            table: Notice::TABLE,
            filters,
            order: "sequence",
            descending: false,
            after: None,
            limit,
        };
        query::select(engine.log(), &select).await
    }
}
