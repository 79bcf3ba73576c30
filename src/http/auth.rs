//! Who asks, and what they may ask: the one place that lets a request through to a handler.
//!
//! A caller presents an API key, a token that the [token endpoint](super::oauth) made of one, or a token of an outside
//! issuer. Deliberately absent: what a caller may see of what there is. A handler asks for a resource through [`Look`] or
//! [`Call`], which answer for another's as for one that does not exist.
//!
//! [`Look`]: super::request::Look
//! [`Call`]: super::request::Call

pub mod tokens;
pub mod issuer;
pub mod key_set;
mod rejection;
pub mod guesses;

use axum::{
    extract::{Request, State},
    http::{Extensions, HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use chrono::{DateTime, Utc};
use governor::clock::{Clock as _, DefaultClock};
use orderwire_domain::ids::ResellerId;

use self::{guesses::Peer, rejection::Rejection};
use super::{App, notice_stream, problem::Problem};
use crate::{
    edge::{
        history::Sight,
        keys::{self, ApiKey, Role, Scope, Scopes},
    },
    engine::{Actor, Provenance, Via},
};

/// Callers whose requests are counted at once; past this those that have rested are forgotten.
const CALLERS_COUNTED_MAX: usize = 100_000;

/// Who may ask for a route. Every route names one; there is no other way to register it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A reseller, for what is its own, or the carrier.
    Tenant,
    /// A reseller, for itself.
    Reseller,
    /// The carrier alone.
    Operator,
    /// Who checks, or the carrier: the same, said of what is there for checking.
    Auditor,
}

impl Access {
    /// The roles that it lets through. Who checks may look wherever the carrier may.
    pub fn roles(self, scope: Scope) -> &'static [Role] {
        match (self, scope) {
            (Self::Tenant, Scope::Read) => &[Role::Reseller, Role::Operator, Role::Auditor],
            (Self::Tenant, Scope::Write) => &[Role::Reseller, Role::Operator],
            (Self::Reseller, _) => &[Role::Reseller],
            (Self::Operator | Self::Auditor, Scope::Read) => &[Role::Operator, Role::Auditor],
            (Self::Operator | Self::Auditor, Scope::Write) => &[Role::Operator],
        }
    }

    /// Whether somebody may ask for this; else what would be right.
    fn admits(self, caller: &Caller, scope: Scope) -> Result<(), Problem> {
        let roles = self.roles(scope);
        if !roles.contains(&caller.role) {
            return Err(rejection::role(caller.role, roles));
        }
        if caller.scopes.contains(&scope) { Ok(()) } else { Err(rejection::scope(scope)) }
    }
}

/// What the operations of a route are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What their methods say: GET looks, everything else changes something.
    ByMethod,
    /// A question that is too large for a URL, so it is sent as a body; it changes nothing.
    Question,
}

impl Purpose {
    /// The scope that a request needs.
    pub fn scope(self, method: &Method) -> Scope {
        let looks = self == Self::Question || matches!(*method, Method::GET | Method::HEAD);
        if looks { Scope::Read } else { Scope::Write }
    }
}

/// Whoever asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// An opaque id: that of its key, or made of what its issuer calls it.
    pub actor: Actor,
    /// As whom it speaks.
    pub role: Role,
    /// The reseller it speaks for; what is another's does not exist for it.
    pub reseller: Option<ResellerId>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Until when it is let in, where that ends by itself.
    pub until: Option<DateTime<Utc>>,
}

impl Caller {
    /// Whoever has a key, or a token that was made of it and has fewer scopes.
    fn of_key(key: ApiKey, scopes: Scopes) -> Self {
        let actor = Actor::new(key.id).expect("the id of a key is printable");
        Self { actor, role: key.role, reseller: key.reseller, scopes, until: None }
    }

    /// Whether what this reseller has exists for the caller.
    pub fn sees(&self, owner: ResellerId) -> bool {
        self.reseller.is_none_or(|own| own == owner)
    }

    /// What the caller is shown of personal data: who checks needs to know that it is there, not what it is.
    pub fn sight(&self) -> Sight {
        match self.role {
            Role::Reseller | Role::Operator => Sight::Opened,
            Role::Auditor => Sight::Sealed,
        }
    }

    /// What its events carry.
    pub fn provenance(&self, correlation: &str) -> Provenance {
        Provenance {
            reseller: self.reseller,
            correlation: Some(correlation.to_owned()),
            via: Via::Http,
            ..Provenance::of(self.actor.clone())
        }
    }
}

/// Lets a request through to its handler if its caller may ask for it.
pub async fn gate(
    State((app, access, purpose)): State<(App, Access, Purpose)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = caller(&app, peer(request.extensions()), request.headers()).await?;
    access.admits(&caller, purpose.scope(request.method()))?;
    takes_answers(&request)?;
    in_moderation(&app, &caller.actor)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Whoever is on the other end of the connection; one for all where the server is not ours.
pub fn peer(extensions: &Extensions) -> Peer {
    extensions.get().copied().unwrap_or_default()
}

async fn caller(app: &App, peer: Peer, headers: &HeaderMap) -> Result<Caller, Problem> {
    const EXPECTED: &str = "the request needs `Authorization: Bearer TOKEN`";
    let token = bearer(headers).ok_or_else(|| Problem::unauthenticated(EXPECTED))?;
    if let Some((id, secret)) = keys::parts(token) {
        // Unknown, revoked or wrong: whoever guesses is not told which.
        let key = key(app, peer, id, secret).await?.ok_or(Rejection::NotAccepted)?;
        let scopes = key.scopes();
        return Ok(Caller::of_key(key, scopes));
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Rejection::NotAccepted)?;
    if header.crit.is_some() {
        return Err(Rejection::NotAccepted.into());
    }
    if tokens::is_ours(&header) {
        return tokens::caller(&app.engine, token).await;
    }
    match &app.issuer {
        Some(issuer) => issuer.caller(&app.engine, token, &header).await,
        None => Err(Rejection::NotAccepted.into()),
    }
}

/// The key of whoever knows its secret. Past some wrong secrets for one key, its peer is told to wait; whoever knows the
/// right one is let in all the same, so that nobody can be kept out by what others present.
pub async fn key(app: &App, peer: Peer, id: &str, secret: &str) -> Result<Option<ApiKey>, Problem> {
    let key = keys::authenticated(&app.engine, id, secret).await?;
    if key.is_some() {
        return Ok(key);
    }
    let now = app.engine.now();
    if let Some(wait) = app.guesses.must_wait(peer, id, now) {
        return Err(too_many("this key was presented with too many wrong secrets", wait));
    }
    app.guesses.wrong(peer, id, now);
    Ok(None)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the caller has not asked too often; a key and the tokens made of it count together.
pub fn in_moderation(app: &App, actor: &Actor) -> Result<(), Problem> {
    if app.asks.len() > CALLERS_COUNTED_MAX {
        app.asks.retain_recent();
    }
    app.asks.check_key(&actor.as_str().to_owned()).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
        let detail = format!("this key asks more than {} times a second", app.limits.asks_per_second);
        too_many(&detail, wait)
    })
}

fn too_many(detail: &str, wait_s: u64) -> Problem {
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
    problem.with(header::RETRY_AFTER, &wait_s.to_string())
}

/// What tools of transparency logs ask for.
fn is_of_a_log(request: &Request, kind: &str) -> bool {
    let path = request.uri().path();
    (path == "/checkpoint" && matches!(kind, "text/*" | "text/plain"))
        || (path.starts_with("/tile/") && kind == "application/octet-stream")
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
        !unwanted && (kind == "*/*" || if streams { events } else { json || is_of_a_log(request, kind) })
    };
    if !headers.contains_key(header::ACCEPT) || ranges.any(takes) {
        return Ok(());
    }
    let detail = if streams { "answers are text/event-stream" } else { "answers are application/json" };
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail))
}
