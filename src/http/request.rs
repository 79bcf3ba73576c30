//! What a request is to a handler: [`Look`] where it only reads, [`Call`] where it changes something.
//!
//! Both are strict: what nobody asked for is refused and named, so that a misspelt field or parameter is never ignored.
//! Deliberately absent: who may ask for a route at all, which was decided before ([`auth`](super::auth)).

use std::{borrow::Cow, str::FromStr, sync::atomic::Ordering};

use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, StatusCode, header::HeaderName, request::Parts},
};
use orderwire_domain::{
    ids::{AggregateKind, OrderId, ResellerId, StreamId},
    invalid::Invalid,
    joint::Command,
    names::FreeText,
    order::Order,
    sealed::Sealed,
    views::{
        order_status::{ORDER_STATUS, OrderView},
        table::{Record, Table},
    },
};
use percent_encoding::percent_decode_str;
use sha2::{Digest as _, Sha256};

use super::{
    App, answer,
    auth::Caller,
    body,
    condition::{self, Condition},
    observe::Correlation,
    problem::Problem,
    standing::Standing,
};
use crate::{
    edge::{self, document::Personal, order_places, place, reader},
    engine::{IdempotencyKey, Provenance, Receipt, query},
};

/// The header by which a caller names a request, so that a retry of it is answered the same.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The parameter that lets a read wait for a write.
pub const AFTER_POSITION: &str = "after_position";
/// Events that the rows of orders may lack when a write on one is answered. Readers take a quarter of that at once; past
/// it writers wait, so that nobody who looks waits much longer than they would.
const AHEAD_EVENTS_MAX: u64 = 1_024;
/// Longest idempotency key.
pub const KEY_MAX: usize = 200;

/// A request that only reads.
#[derive(Clone)]
pub struct Look {
    /// What every handler is given.
    pub app: App,
    /// Who asks.
    pub caller: Caller,
    correlation: String,
    /// The path with its query, as it was asked for.
    target: String,
    named: Vec<(String, String)>,
    query: Vec<(String, String)>,
    /// Whether it is to change something.
    writes: bool,
}

/// A request that changes something.
pub struct Call {
    /// What it has in common with one that only reads.
    pub look: Look,
    text: String,
    key: Option<IdempotencyKey>,
    condition: Condition,
    reason: Option<Sealed>,
}

impl FromRequestParts<App> for Look {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        let caller = caller.ok_or_else(|| Problem::unauthenticated("nobody asks"))?;
        let correlation = parts.extensions.get::<Correlation>().map(|it| it.0.clone()).unwrap_or_default();
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str()).to_owned();
        let named = RawPathParams::from_request_parts(parts, app).await;
        let named = named.map_err(|_| Problem::not_found("resource", parts.uri.path()))?;
        let named = named.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = query(parts.uri.query().unwrap_or_default())?;
        Ok(Self { app: app.clone(), caller, correlation, target, named, query, writes: false })
    }
}

/// The parameters of a query. What is not UTF-8 is refused: read somehow, it would be asked for as something else.
fn query(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let read = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned).map_err(|_| {
            let name = part.chars().take(60).collect::<String>();
            let detail = format!("{} is not text", reader::shown(&name));
            Problem::parameter("query", "query_not_utf_8", detail, "percent-encoded UTF-8")
        })
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((read(name)?, read(value)?))
        })
        .collect()
}

impl Look {
    /// The id that stands in the path. What cannot be an id names nothing.
    pub fn id<Id: FromStr>(&self, what: &str) -> Result<Id, Problem> {
        let named = self.named("id");
        named.parse().map_err(|_| Problem::not_found(what, named))
    }

    /// A part of the path by its name in the route; empty where the route has none of that name.
    pub fn named(&self, name: &str) -> &str {
        self.named.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Refuses every query parameter but these (and `after_position`), and those that are given twice.
    pub fn only(&self, known: &[&str]) -> Result<(), Problem> {
        for (index, (name, _)) in self.query.iter().enumerate() {
            if name != AFTER_POSITION && !known.contains(&name.as_str()) {
                let expected = [known, &[AFTER_POSITION]].concat().join(", ");
                let name: String = name.chars().take(60).collect();
                return Err(Problem::parameter(
                    &name,
                    "parameter_unknown",
                    "there is no such parameter",
                    expected,
                ));
            }
            if self.query[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::parameter(name, "parameter_twice", "it is given twice", "it once"));
            }
        }
        // Also where nothing waits for it: what cannot be right is refused wherever it stands.
        self.after_position().map(|_| ())
    }

    fn after_position(&self) -> Result<Option<u64>, Problem> {
        self.whole(AFTER_POSITION, 0, i64::MAX.unsigned_abs())
    }

    /// A query parameter, as it is.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter with a parser of the domain.
    pub fn parsed<T: FromStr<Err = Invalid>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let wrong = |it: Invalid| Problem::parameter(name, &it.code, it.detail, it.expected);
        self.text(name).map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// A parameter that is true or false.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Problem::parameter(name, "word_unknown", "it is neither", "true, false")),
        }
    }

    /// A query parameter that is a whole number within bounds.
    pub fn whole(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = text.bytes().all(|b| b.is_ascii_digit()).then_some(text);
        let number = digits.and_then(|it| it.parse().ok()).filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| {
            let detail = reader::out_of_bounds(text, min, max);
            Problem::parameter(name, "number_out_of_bounds", detail, reader::bounds(min, max))
        })
    }

    /// A query parameter that is one of a few words.
    pub fn word<T>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T: strum::VariantArray + Copy + Into<&'static str>,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        let words = T::VARIANTS.iter().map(|word| (*word).into()).collect::<Vec<&str>>().join(", ");
        let known = T::VARIANTS.iter().find(|word| Into::<&str>::into(**word) == text);
        let wrong = || Problem::parameter(name, "word_unknown", "it is not one of the words", words);
        known.copied().map(Some).ok_or_else(wrong)
    }

    /// The record of an id, if the caller may see it: another's does not exist for it.
    pub async fn record<T: Record>(
        &self,
        stream: StreamId,
        owner: fn(&T) -> ResellerId,
    ) -> Result<T, Problem> {
        self.ready(T::TABLE).await?;
        let (engine, key) = (&self.app.engine, stream.to_string());
        let mut found: Option<T> = query::get(engine.log(), &key).await?;
        if found.is_none() && engine.state(stream).await?.0 > 0 {
            // It was made a moment ago: nobody should be told that it does not exist.
            let head = engine.head().await?.position;
            engine.wait_for(self.reader(T::TABLE), head).await?;
            found = query::get(engine.log(), &key).await?;
        }
        let visible = found.filter(|record| self.caller.sees(owner(record)));
        let kind = stream.kind.word();
        if visible.is_none() && self.writes {
            let command = format!("{kind}.find");
            engine.tried(&self.provenance(), &command, Some(stream), ["not_found"].into_iter());
        }
        visible.ok_or_else(|| Problem::not_found(&kind.replace('_', " "), &key))
    }

    /// Where a resource is, and what the caller may ask of it there.
    pub async fn standing(&self, stream: StreamId) -> Result<Standing, Problem> {
        Ok(Standing::of(&self.app.engine, &self.provenance(), self.caller.role, stream).await?)
    }

    /// A record that has no stream of its own, whoever may see it. One that was made a moment ago is waited for.
    pub async fn newest<T: Record>(&self, key: &str) -> Result<Option<T>, Problem> {
        self.ready(T::TABLE).await?;
        let engine = &self.app.engine;
        let found = query::get(engine.log(), key).await?;
        if found.is_some() {
            return Ok(found);
        }
        let head = engine.head().await?.position;
        engine.wait_for(self.reader(T::TABLE), head).await?;
        Ok(query::get(engine.log(), key).await?)
    }

    /// Waits, within bounds, until a read model shows what the caller has seen (`?after_position=`).
    pub async fn ready(&self, table: &Table) -> Result<(), Problem> {
        self.as_answered(table).await;
        let Some(position) = self.after_position()? else { return Ok(()) };
        let reader = self.reader(table);
        let head = self.app.engine.head().await?.position;
        if position > head {
            // How far it goes is no business of one reseller.
            let detail = "the log does not go so far";
            return Err(Problem::parameter(
                AFTER_POSITION,
                "position_beyond_log",
                detail,
                "the `Orderwire-Position` of an answer",
            ));
        }
        if reader.is_empty() {
            // No reader of the log writes it, so it is as new as it can be.
            return Ok(());
        }
        Ok(self.app.engine.wait_for(reader, position).await?)
    }

    /// What a write was answered with before its row was there, the next read sees all the same.
    async fn as_answered(&self, table: &Table) {
        let (reader, answered) = (self.reader(table), self.app.answered.load(Ordering::Acquire));
        if reader == self.reader(&ORDER_STATUS)
            && let Err(error) = self.app.engine.wait_for(reader, answered).await
        {
            tracing::warn!(%error, "what was answered before cannot be shown yet");
        }
    }

    /// The reader that writes a table.
    fn reader(&self, table: &Table) -> &str {
        let mut readers = self.app.engine.readers().iter();
        let reader = readers.find(|reader| reader.tables.iter().any(|own| own.name == table.name));
        reader.map_or("", |reader| &reader.name)
    }

    /// Who asks, for what is written down.
    pub fn provenance(&self) -> Provenance {
        self.caller.provenance(&self.correlation)
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query, but for one parameter.
    pub fn query_without(&self, name: &str) -> impl Iterator<Item = &(String, String)> {
        self.query.iter().filter(move |(known, _)| known != name)
    }
}

impl FromRequest<App> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let mut look = Look::from_request_parts(&mut parts, app).await?;
        look.writes = true;
        look.only(&[])?;
        let text = body::read(&parts.headers, body, app.limits).await?;
        let mut call =
            Self { look, text, key: None, condition: condition::read(&parts.headers)?, reason: None };
        let key = key(&parts.headers)?;
        call.key = key.map(|key| call.key_of(parts.method.as_str(), key));
        Ok(call)
    }
}

/// The caller's name of the request, if it gave one.
pub fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    // A header may have tabs, which are no characters of a name.
    let key = key.to_str().ok().filter(|key| (1..=KEY_MAX).contains(&key.len()) && !key.contains('\t'));
    key.filter(|_| keys.next().is_none()).map(Some).ok_or_else(|| {
        let expected = format!("1 to {KEY_MAX} printable ASCII characters, once");
        Problem::parameter("Idempotency-Key", "idempotency_key_invalid", "it cannot be a key", expected)
    })
}

impl Call {
    /// A key is its reseller's, or else the carrier's; the prefix keeps it apart from keys that the edge makes.
    fn key_of(&self, method: &str, key: &str) -> IdempotencyKey {
        let owner =
            self.look.caller.reseller.map_or_else(|| "operator".to_owned(), |reseller| reseller.to_string());
        let asked = Sha256::new()
            .chain_update(format!("{method} {}\n", self.look.target))
            .chain_update(&self.text)
            .finalize();
        IdempotencyKey { owner, key: format!("http {key}"), fingerprint: Some(asked.into()) }
    }

    /// The body, or everything that is wrong with it.
    pub fn read<T>(&self, read: impl FnOnce(reader::Spot<'_>) -> Option<T>) -> Result<T, Problem> {
        Ok(reader::read(&self.text, self.look.app.limits.body_bytes, read)?)
    }

    /// The body where it may be absent.
    pub fn read_any<T>(
        &self,
        read: impl FnOnce(reader::Spot<'_>) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        // To say `null` is to say nothing.
        if matches!(self.text.trim(), "" | "null") { Ok(None) } else { self.read(read).map(Some) }
    }

    /// Refuses a body that says anything.
    pub fn nothing(&self) -> Result<(), Problem> {
        self.read_any(|it| it.object(|_| Some(()))).map(|_| ())
    }

    /// The body as it was sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The caller's key of this request, if it gave one.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }

    /// Who asks, for the events.
    pub fn provenance(&self) -> Provenance {
        Provenance { reason: self.reason.clone(), ..self.look.provenance() }
    }

    /// What it does is done for this reason, which every event of it carries.
    pub fn because(&mut self, reason: Sealed) {
        self.reason = Some(reason);
    }

    /// Seals a text in somebody's own words with the key of a company or reseller.
    pub async fn seal(&self, owner: StreamId, text: FreeText) -> Result<Sealed, Problem> {
        Ok(place::seal(&self.look.app.engine, owner, &Personal::new(text)).await?)
    }

    /// Has something new made.
    pub async fn create(&self, command: &Command) -> Result<Receipt, Problem> {
        self.unconditional()?;
        let Self { look, key, .. } = self;
        Ok(look.app.engine.execute(command, &self.provenance(), key.as_ref()).await?)
    }

    /// Refuses `If-Match` where there is nothing yet that it could match.
    pub fn unconditional(&self) -> Result<(), Problem> {
        match self.condition {
            Condition::None => Ok(()),
            _ => Err(condition::not_here()),
        }
    }

    /// What this request was answered with before, if it is a retry. To be asked before what it says is judged: what it
    /// names may be gone by now.
    pub async fn answered(&self) -> Result<Option<Receipt>, Problem> {
        match &self.key {
            Some(key) => Ok(self.look.app.engine.answered(key).await?),
            None => Ok(None),
        }
    }

    /// Refuses `If-Match` on what has no tag.
    pub fn untagged(&self) -> Result<(), Problem> {
        match self.condition {
            Condition::None => Ok(()),
            _ => Err(condition::no_tag()),
        }
    }

    /// Has something done to what there is, if that is where the caller saw it (`If-Match`).
    pub async fn change(&self, stream: StreamId, command: &Command) -> Result<Receipt, Problem> {
        match self.done_to(stream, command).await {
            Ok(receipt) => Ok(receipt),
            Err(edge::Error::Refused(problems)) if stream.kind == AggregateKind::Order => {
                let (_, order) = self.look.app.engine.load::<Order>(OrderId(stream.id)).await?;
                Err(self.refused(stream, order_places::in_order(problems, &order)).await)
            }
            Err(edge::Error::Refused(problems)) => Err(self.refused(stream, problems).await),
            Err(error) => Err(error.into()),
        }
    }

    /// The same; `place` has problems point to where in the body they come from.
    pub async fn change_placing(
        &self,
        stream: StreamId,
        command: &Command,
        place: impl FnOnce(Vec<edge::Problem>) -> Vec<edge::Problem>,
    ) -> Result<Receipt, Problem> {
        match self.done_to(stream, command).await {
            Ok(receipt) => Ok(receipt),
            Err(edge::Error::Refused(problems)) => Err(self.refused(stream, place(problems)).await),
            Err(error) => Err(error.into()),
        }
    }

    async fn done_to(&self, stream: StreamId, command: &Command) -> Result<Receipt, edge::Error> {
        let engine = &self.look.app.engine;
        let expected = self.condition.expected(engine, stream).await?;
        let done = engine.execute_expecting(command, &self.provenance(), self.key.as_ref(), expected).await;
        Ok(done?)
    }

    /// Whether a resource is where the caller saw it, for what turns out to change nothing.
    pub async fn as_seen(&self, stream: StreamId) -> Result<(), Problem> {
        let engine = &self.look.app.engine;
        let Some(expected) = self.condition.expected(engine, stream).await? else { return Ok(()) };
        match engine.state(stream).await? {
            (sequence, _) if sequence == expected.sequence => Ok(()),
            _ => Err(Problem::precondition(format!("something happened to {stream} since it was seen"))),
        }
    }

    /// What a refusal is to the caller; where the resource is not where this can be asked, with what can.
    async fn refused(&self, stream: StreamId, problems: Vec<edge::Problem>) -> Problem {
        let problem = Problem::from(problems);
        if !problem.says("not_permitted") {
            return problem;
        }
        match self.look.standing(stream).await {
            Ok(standing) => problem.standing(standing.status, standing.open()),
            Err(error) => error,
        }
    }

    /// The record as the write left it; `None` where the read model is not there in time, though the write is done.
    pub async fn shown<T: Record>(&self, receipt: &Receipt, key: &str) -> Result<Option<T>, Problem> {
        let engine = &self.look.app.engine;
        match engine.wait_for(self.look.reader(T::TABLE), receipt.appended.last()).await {
            Ok(()) => Ok(query::get(engine.log(), key).await?),
            Err(error) => {
                tracing::warn!(%error, "a write was done, and cannot be shown yet");
                Ok(None)
            }
        }
    }

    /// An order as the write left it. Its row says the same a moment later, and is waited for only where the reader is far
    /// behind, or may never come.
    pub async fn order_shown(&self, receipt: &Receipt, id: OrderId) -> Result<Option<OrderView>, Problem> {
        let engine = &self.look.app.engine;
        let (reader, to) = (self.look.reader(&ORDER_STATUS), receipt.appended.last());
        let follows = engine.readers().get(reader).is_some_and(|reader| reader.stopped().is_none());
        if engine.runs_in_background()
            && follows
            && !receipt.repeated
            && engine.wait_for(reader, to.saturating_sub(AHEAD_EVENTS_MAX)).await.is_ok()
            && let Some(order) = engine.order_as_of(id, to).await?
        {
            self.look.app.answered.fetch_max(to, Ordering::Release);
            return Ok(Some(order));
        }
        self.shown(receipt, &id.to_string()).await
    }

    /// The answer where what was done cannot be shown yet.
    pub fn done(&self, receipt: &Receipt) -> answer::Answer {
        answer::Answer::new(StatusCode::ACCEPTED, &answer::Done::of(receipt)).at(receipt.appended.last())
    }
}
