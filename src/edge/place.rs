//! Placing an order: from a document to a draft, and from a draft to a submitted order.
//!
//! The same document placed again is the same order; another document under the same reference is refused, unless the
//! order was discarded. A draft is one command; a new company is qualified by a command before it, because its data key
//! is made there and the lines are sealed with it. So a refusal has something to give up, and being asked again finishes
//! what was cut short.

use orderwire_domain::{
    claim::{Claim, ClaimScope},
    company::Company,
    decider::Decider as _,
    ids::{AggregateKind, CompanyId, OrderId, ResellerId, StreamId},
    joint::Command,
    names::ResellerCode,
    order::{Order, OrderStatus, line::LineRequest},
    reseller::Reseller,
};

pub use super::seal::seal;
use super::{
    document::{DocumentCompany, DocumentRequest, OrderDocument},
    earlier, order_places, own_company,
    problem::{Error, Problem},
    rehearse::rehearse_draft,
    seal::Sealer,
};
use crate::engine::{self, Engine, IdempotencyKey, Provenance, Receipt, log::StoredRecord};

/// An order that was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The draft.
    pub order: OrderId,
    /// Its company, if it names one.
    pub company: Option<CompanyId>,
    /// Where the draft is in the log, and whether it was there before.
    pub receipt: Receipt,
}

/// Whom a document is from and for.
pub(super) struct Parties {
    pub(super) reseller: ResellerId,
    pub(super) company: Party,
}

/// The company of a document.
pub(super) enum Party {
    /// To be qualified.
    New(Box<Command>),
    /// The reseller's.
    Existing(CompanyId),
    /// None is named.
    Nobody,
}

/// What tells the placing of one order from that of another.
enum OrderKey {
    /// A key of the caller's own.
    Own(IdempotencyKey),
    /// The reference.
    Reference(IdempotencyKey),
}

/// Makes a draft of a document, qualifying its company where that is new. Its reference is its key. Refused, it leaves no
/// such company behind.
pub async fn place(
    engine: &Engine,
    provenance: &Provenance,
    document: &OrderDocument,
) -> Result<Placed, Error> {
    placed(engine, provenance, document, None).await
}

/// The same, under a key of the caller's own if it gave one; then the reference is no key: under another one it is taken.
/// What is refused leaves nothing, not even a company that was new.
pub async fn place_once(
    engine: &Engine,
    provenance: &Provenance,
    document: &OrderDocument,
    key: Option<&IdempotencyKey>,
) -> Result<Placed, Error> {
    // A retry is answered from its record, whatever the names in it name by now.
    let answered = async || match key {
        Some(key) => engine.answered(key).await,
        None => Ok(None),
    };
    if matches!(document.company, Some(DocumentCompany::New { .. })) {
        if let Some(receipt) = answered().await? {
            return placed_by(engine, receipt).await;
        }
        // A new company is a command of its own, so what is bound to be refused is found before it.
        rehearse_draft(engine, provenance, document).await?;
        return placed(engine, provenance, document, key).await;
    }
    match placed(engine, provenance, document, key).await {
        // All else is one commit, which finds the record by itself; only what is refused before that was not looked up.
        Err(refused @ Error::Refused(_)) => match answered().await? {
            Some(receipt) => placed_by(engine, receipt).await,
            None => Err(refused),
        },
        placed => placed,
    }
}

/// If an own key is being answered just now, the engine has this wait for that.
async fn placed(
    engine: &Engine,
    provenance: &Provenance,
    document: &OrderDocument,
    own_key: Option<&IdempotencyKey>,
) -> Result<Placed, Error> {
    let parties = parties(engine, provenance, document).await?;
    let key = if let Some(key) = own_key {
        OrderKey::Own(key.clone())
    } else {
        let before = earlier::order(engine, parties.reseller, document).await?;
        let key = OrderKey::Reference(before.key);
        if before.placed.is_some() {
            // As above; the engine compares what was sent then.
            return draft(engine, provenance, document, &key, (parties.reseller, None), Vec::new()).await;
        }
        key
    };
    let (company, company_is_new) = match &parties.company {
        Party::Existing(company) => (Some(*company), false),
        Party::Nobody => (None, false),
        Party::New(qualify) => {
            let key = earlier::company(engine, parties.reseller, document).await?.key;
            let qualified = engine.execute(qualify, provenance, Some(&key)).await;
            let qualified = match qualified {
                Ok(qualified) => qualified,
                Err(error) => {
                    let error = in_document(document, error.into());
                    return Err(own_company::told(engine, parties.reseller, document, error).await?);
                }
            };
            (Some(qualified.id("company")), true)
        }
    };
    let drafted = async {
        let sealer = match company {
            Some(company) => Sealer::of_company(engine, company).await?,
            None => Sealer::of_reseller(engine, parties.reseller),
        };
        let lines = sealer.lines(document).await?;
        draft(engine, provenance, document, &key, (parties.reseller, company), lines).await
    };
    match drafted.await {
        Ok(placed) => Ok(placed),
        Err(error @ (Error::Refused(_) | Error::Engine(engine::Error::KeyReused))) => {
            let new = company.filter(|_| company_is_new);
            // Somebody who was faster under the same reference may have drafted for it.
            if new.is_some() && drafted_under(engine, parties.reseller, document).await? != new {
                earlier::give_up(engine, provenance, None, new).await?;
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// The company of the order that holds the reference of a document.
async fn drafted_under(
    engine: &Engine,
    reseller: ResellerId,
    document: &OrderDocument,
) -> Result<Option<CompanyId>, Error> {
    let claim = Claim::within(ClaimScope::OrderReference, reseller, document.reference.key());
    let holders = engine.log().holders(&[claim]).await.map_err(engine::Error::from)?;
    let Some(holder) = holders.into_iter().flatten().next() else { return Ok(None) };
    let (_, order) = engine.load::<Order>(OrderId(holder.id)).await?;
    Ok(order.company())
}

async fn draft(
    engine: &Engine,
    provenance: &Provenance,
    document: &OrderDocument,
    key: &OrderKey,
    (reseller, company): (ResellerId, Option<CompanyId>),
    lines: Vec<LineRequest>,
) -> Result<Placed, Error> {
    let command = create(document, reseller, company, lines);
    let (key, own) = match key {
        OrderKey::Own(key) => (key, true),
        OrderKey::Reference(key) => (key, false),
    };
    let receipt = engine.execute(&command, provenance, Some(key)).await;
    let receipt = receipt.map_err(|error| match error {
        // It is the caller's key that was used, not the reference.
        engine::Error::KeyReused if own => error.into(),
        error => in_document(document, error.into()),
    })?;
    if receipt.repeated {
        return placed_by(engine, receipt).await;
    }
    Ok(Placed { order: receipt.id("order"), company, receipt })
}

async fn placed_by(engine: &Engine, receipt: Receipt) -> Result<Placed, Error> {
    let order = receipt.id("order");
    let (_, state) = engine.load::<Order>(order).await?;
    Ok(Placed { order, company: state.company(), receipt })
}

/// Wants the draft of a document done. Refused, it gives up the draft and the company that was qualified for it, so the
/// corrected document can be placed under the same reference. An order that is a draft no more is answered as it is.
pub async fn submit_or_give_up(
    engine: &Engine,
    provenance: &Provenance,
    document: &OrderDocument,
    placed: &Placed,
) -> Result<OrderId, Error> {
    let order = placed.order;
    let (_, state) = engine.load::<Order>(order).await?;
    if ![OrderStatus::Draft, OrderStatus::Discarded].contains(&state.status()) {
        return Ok(order);
    }
    match submit(engine, provenance, order).await {
        Ok(_) => Ok(order),
        Err(error @ Error::Refused(_)) => {
            let new = matches!(document.company, Some(DocumentCompany::New { .. }));
            let company = placed.company.filter(|_| new);
            earlier::give_up(engine, provenance, Some(order), company).await?;
            Err(in_document(document, error))
        }
        Err(error) => Err(error),
    }
}

/// Wants a draft done. Asked again, it is answered the same.
pub async fn submit(engine: &Engine, provenance: &Provenance, order: OrderId) -> Result<Receipt, Error> {
    let key = IdempotencyKey { owner: "edge".to_owned(), key: format!("submit {order}"), fingerprint: None };
    Ok(engine.execute(&Command::Submit { order }, provenance, Some(&key)).await?)
}

/// What a key was answered with before.
pub(super) async fn record(engine: &Engine, key: &IdempotencyKey) -> Result<Option<StoredRecord>, Error> {
    let now_us = engine.now().timestamp_micros();
    Ok(engine.log().record(&key.owner, &key.key, now_us).await.map_err(engine::Error::from)?)
}

/// What the rules say about a document, with pointers into it.
pub fn in_document(document: &OrderDocument, error: Error) -> Error {
    match error {
        Error::Refused(problems) => {
            Error::Refused(problems.into_iter().map(|problem| at_its_place(document, problem)).collect())
        }
        Error::Engine(engine::Error::KeyReused) => Error::refused(Problem::new(
            "/reference",
            "reference_used",
            format!("another document was placed under `{}`", document.reference),
            "the document as it was, or another reference; a draft can be discarded first",
        )),
        error @ Error::Engine(_) => error,
    }
}

/// Has it recorded that rules refused a command before it reached the engine.
pub(super) fn tried(
    engine: &Engine,
    provenance: &Provenance,
    command: &Command,
    about: StreamId,
    error: Error,
) -> Error {
    if let Error::Refused(problems) = &error {
        let codes = problems.iter().map(|problem| problem.code.as_str());
        engine.tried(provenance, &command.name(), Some(about), codes);
    }
    error
}

/// The rules count lines from 1 and know a new company's name only as a claim; a pointer counts from 0.
fn at_its_place(document: &OrderDocument, mut problem: Problem) -> Problem {
    let name = match &document.company {
        Some(DocumentCompany::New { name, .. }) => Some(name),
        _ => None,
    };
    problem = own_company::in_pair(problem, "/company", name);
    if problem.code == "order_reference_taken" {
        "/reference".clone_into(&mut problem.pointer);
    }
    let Some((number, field)) = order_places::line_of(&problem.pointer) else { return problem };
    let index = usize::try_from(number.0).ok().and_then(|number| number.checked_sub(1));
    let Some((index, line)) = index.and_then(|index| Some((index, document.lines.get(index)?))) else {
        return problem;
    };
    problem.line = Some(number.0);
    problem.pointer = format!("/lines/{index}{field}");
    problem.detail = format!("line {number} (`{}`): {}", line.id, problem.detail);
    match &line.request {
        DocumentRequest::Site(site) => problem.as_typed(&site.name.key(), site.name.as_str()),
        DocumentRequest::Pbx { name, .. } => problem.as_typed(&name.key(), name.as_str()),
        DocumentRequest::Trunk { name, .. } => problem.as_typed(&name.key(), name.as_str()),
        _ => problem,
    }
}

/// The command that makes a draft.
pub(super) fn create(
    document: &OrderDocument,
    reseller: ResellerId,
    company: Option<CompanyId>,
    lines: Vec<LineRequest>,
) -> Command {
    Command::CreateOrder { reseller, reference: document.reference.clone(), company, lines }
}

/// Finds the reseller and the company of a document.
pub(super) async fn parties(
    engine: &Engine,
    provenance: &Provenance,
    document: &OrderDocument,
) -> Result<Parties, Error> {
    let reseller = match (provenance.reseller, &document.reseller) {
        (Some(caller), None) => caller,
        (Some(caller), Some(code)) => {
            let (_, known) = engine.load::<Reseller>(caller).await?;
            if known.tenant().is_none_or(|tenant| tenant.code.key() != code.key()) {
                let detail = format!("`{code}` is not the reseller that asks");
                return Err(refuse("/reseller", "reseller_other", detail, "the caller's own code, or none"));
            }
            caller
        }
        (None, Some(code)) => reseller(engine, code).await?.ok_or_else(|| {
            refuse("/reseller", "reseller_unknown", format!("there is no reseller `{code}`"), KNOWN)
        })?,
        (None, None) => {
            return Err(refuse("/reseller", "reseller_missing", "nobody says whose order this is", KNOWN));
        }
    };
    let company = match &document.company {
        None => Party::Nobody,
        Some(DocumentCompany::New { name, domain }) => {
            Party::New(Box::new(Command::Qualify { reseller, name: name.clone(), domain: domain.clone() }))
        }
        Some(DocumentCompany::ServiceReference(id)) => {
            own_company(
                engine,
                provenance,
                reseller,
                Some(*id),
                "/company/service_reference",
                &id.to_string(),
            )
            .await?
        }
        Some(DocumentCompany::Domain(domain)) => {
            let claim = Claim::platform(ClaimScope::CompanyDomain, domain.key());
            let holder = holder(engine, claim).await?;
            own_company(engine, provenance, reseller, holder, "/company/domain", domain.as_str()).await?
        }
    };
    Ok(Parties { reseller, company })
}

const KNOWN: &str = "the code of a reseller, such as R100";

/// The reseller of a code.
pub async fn reseller(engine: &Engine, code: &ResellerCode) -> Result<Option<ResellerId>, Error> {
    let claim = Claim::platform(ClaimScope::ResellerCode, code.key());
    Ok(held_by(engine, claim, AggregateKind::Reseller).await?.map(ResellerId))
}

/// The company that holds a name or domain.
pub(super) async fn holder(engine: &Engine, claim: Claim) -> Result<Option<CompanyId>, Error> {
    Ok(held_by(engine, claim, AggregateKind::Company).await?.map(CompanyId))
}

async fn held_by(engine: &Engine, claim: Claim, kind: AggregateKind) -> Result<Option<uuid::Uuid>, Error> {
    let holders = engine.log().holders(&[claim]).await.map_err(engine::Error::from)?;
    Ok(holders.into_iter().flatten().find(|holder| holder.kind == kind).map(|holder| holder.id))
}

/// A company that the reseller has; another's does not exist for it.
async fn own_company(
    engine: &Engine,
    provenance: &Provenance,
    reseller: ResellerId,
    id: Option<CompanyId>,
    pointer: &str,
    named: &str,
) -> Result<Party, Error> {
    if let Some(id) = id {
        let own = |company: &Company| {
            company.status() != Company::default().status() && company.reseller() == Some(reseller)
        };
        // Whose it is stays so: only one that is not known to be the reseller's may be by now.
        if own(engine.known::<Company>(id).await?.as_ref()) || own(&engine.load::<Company>(id).await?.1) {
            return Ok(Party::Existing(id));
        }
        engine.tried(provenance, "order.create", Some(id.into()), ["company_unknown"].into_iter());
    }
    let detail = format!("the reseller has no company `{named}`");
    Err(refuse(
        pointer,
        "company_unknown",
        detail,
        "a company of this reseller, or a name and domain for a new one",
    ))
}

fn refuse(pointer: &str, code: &str, detail: impl Into<String>, expected: &str) -> Error {
    Error::refused(Problem::new(pointer, code, detail, expected))
}
