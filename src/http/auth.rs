//! Who asks, and what they may ask: the one place that lets a request through to a handler.
//!
//! Deliberately absent: what a caller may see of what there is. A handler asks for a resource through [`Look`] or [`Call`],
//! which answer for another's as for one that does not exist.
//!
//! [`Look`]: super::request::Look
//! [`Call`]: super::request::Call

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};
use governor::clock::{Clock as _, DefaultClock};
use orderwire_domain::ids::ResellerId;

use super::{App, notice_stream, problem::Problem};
use crate::{
    edge::keys::{self, Role},
    engine::{Actor, Provenance},
};

/// Who may ask for a route. Every route names one; there is no other way to register it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A reseller, for what is its own, or the carrier.
    Tenant,
    /// A reseller, for itself.
    Reseller,
    /// The carrier alone.
    Operator,
    /// Who checks, or the carrier.
    Auditor,
}

impl Access {
    /// The roles that it lets through.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Tenant => &[Role::Reseller, Role::Operator],
            Self::Reseller => &[Role::Reseller],
            Self::Operator => &[Role::Operator],
            Self::Auditor => &[Role::Auditor, Role::Operator],
        }
    }
}

/// Whoever asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// An opaque id: that of its key.
    pub actor: Actor,
    /// As whom it speaks.
    pub role: Role,
    /// The reseller it speaks for; what is another's does not exist for it.
    pub reseller: Option<ResellerId>,
}

impl Caller {
    /// Whether what this reseller has exists for the caller.
    pub fn sees(&self, owner: ResellerId) -> bool {
        self.reseller.is_none_or(|own| own == owner)
    }

    /// What its events carry.
    pub fn provenance(&self, correlation: &str) -> Provenance {
        Provenance {
            reseller: self.reseller,
            correlation: Some(correlation.to_owned()),
            ..Provenance::of(self.actor.clone())
        }
    }
}

/// Lets a request through to its handler if its caller has one of the roles.
pub async fn gate(
    State((app, access)): State<(App, Access)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = caller(&app, request.headers()).await?;
    if !access.roles().contains(&caller.role) {
        let detail = format!("this is not for the role {}", caller.role);
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    takes_answers(&request)?;
    in_moderation(&app, &caller)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    const EXPECTED: &str = "the request needs `Authorization: Bearer KEY`";
    let token = bearer(headers).ok_or_else(|| Problem::unauthenticated(EXPECTED))?;
    // Unknown, revoked or wrong: whoever guesses is not told which.
    let key = keys::presented(&app.engine, token).await?;
    let key = key.ok_or_else(|| Problem::unauthenticated("the key is not accepted"))?;
    let actor = Actor::new(key.id).expect("the id of a key is printable");
    Ok(Caller { actor, role: key.role, reseller: key.reseller })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the caller's key has not asked too often.
fn in_moderation(app: &App, caller: &Caller) -> Result<(), Problem> {
    let id = caller.actor.as_str().to_owned();
    app.asks.check_key(&id).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
        let detail = format!("this key asks more than {} times a second", app.limits.asks_per_second);
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        problem.with(header::RETRY_AFTER, &wait.to_string())
    })
}

/// Whether the caller can read what we answer.
fn takes_answers(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let streams = request.uri().path() == notice_stream::PATH;
    let mut ranges = headers.get_all(header::ACCEPT).iter().flat_map(|value| {
        value.to_str().unwrap_or_default().split(',').map(|range| range.trim().to_ascii_lowercase())
    });
    let takes = |range: String| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let unwanted = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        let json = matches!(kind, "application/*" | "application/json" | "application/problem+json");
        let events = matches!(kind, "text/*" | "text/event-stream");
        !unwanted && (kind == "*/*" || if streams { events } else { json })
    };
    if !headers.contains_key(header::ACCEPT) || ranges.any(takes) {
        return Ok(());
    }
    let detail = if streams { "answers are text/event-stream" } else { "answers are application/json" };
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail))
}
