//! Rehearsing an order: everything that speaks against it, found without storing anything.
//!
//! Qualifying, drafting and submitting are decided one after the other on states that are thrown away. What passes may
//! still be refused when it is really placed, since others order meanwhile; what fails would have been refused.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use orderwire_domain::{
    claim::{Claim, ClaimAction, ClaimChange},
    decider::Context,
    ids::{Mint, StreamId},
    joint::{self, Command, Decision, Desk, Halt, Ids, Lookups, Need, State, Streams, Undecided},
};
use uuid::Uuid;

use super::{
    document::OrderDocument,
    earlier, own_company,
    place::{self, Party},
    problem::{Error, Problem},
    seal::Sealer,
};
use crate::engine::{self, COMMIT_ATTEMPTS_MAX, Engine, Provenance, query};

/// How often a decision may ask for something more.
const NEEDS_MAX: u32 = 1_000;

/// Says what speaks against placing and submitting a document, and has that recorded: somebody wanted it. What was placed
/// before passes.
pub async fn rehearse(
    engine: &Engine,
    provenance: &Provenance,
    document: &OrderDocument,
) -> Result<(), Error> {
    play(engine, provenance, document, Until::Submitted).await
}

/// Says what speaks against placing it alone: a draft may still lack what submitting needs.
pub async fn rehearse_draft(
    engine: &Engine,
    provenance: &Provenance,
    document: &OrderDocument,
) -> Result<(), Error> {
    play(engine, provenance, document, Until::Drafted).await
}

/// Says what speaks against a command, wherever in its order it does. Nothing happens.
pub async fn against(
    engine: &Engine,
    provenance: &Provenance,
    command: &Command,
) -> Result<Vec<Problem>, Error> {
    match Stage::new(engine, provenance).play(command).await {
        Ok(_) => Ok(Vec::new()),
        Err(Error::Refused(problems)) => Ok(problems),
        Err(error) => Err(error),
    }
}

/// How far a rehearsal goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Drafted,
    Submitted,
}

async fn play(
    engine: &Engine,
    provenance: &Provenance,
    document: &OrderDocument,
    until: Until,
) -> Result<(), Error> {
    let parties = place::parties(engine, provenance, document).await?;
    if let Some((_, placed)) = earlier::order(engine, parties.reseller, document).await?.placed {
        let same = placed.fingerprint == document.digest;
        return if same {
            Ok(())
        } else {
            Err(place::in_document(document, Error::Engine(engine::Error::KeyReused)))
        };
    }
    let mut stage = Stage::new(engine, provenance);
    let in_document = |error| place::in_document(document, error);
    let reseller = StreamId::from(parties.reseller);
    let party = match parties.company {
        // Something cut an earlier placing short, which had qualified the company already.
        Party::New(qualify) => match earlier::company(engine, parties.reseller, document).await?.placed {
            Some((company, _)) => Party::Existing(company),
            None => Party::New(qualify),
        },
        known => known,
    };
    let company = match &party {
        Party::New(qualify) => match stage.play(qualify).await {
            Ok(ids) => Some(id(&ids, "company")?),
            Err(error) => {
                let error = place::tried(engine, provenance, qualify, reseller, error);
                return Err(own_company::told(engine, parties.reseller, document, in_document(error)).await?);
            }
        },
        Party::Existing(company) => Some(*company),
        Party::Nobody => None,
    };
    let sealer = match (&party, company) {
        (Party::Existing(company), _) => Sealer::of_company(engine, *company).await?,
        (_, None) => Sealer::of_reseller(engine, parties.reseller),
        (_, Some(_)) => Sealer::thrown_away(engine, parties.reseller),
    };
    let draft = place::create(document, parties.reseller, company, sealer.lines(document).await?);
    // What was only rehearsed has no id that anybody could ask about later.
    let about = match party {
        Party::Existing(company) => company.into(),
        Party::New(_) | Party::Nobody => reseller,
    };
    let tried =
        |command: &Command, error| in_document(place::tried(engine, provenance, command, about, error));
    let drafted = stage.play(&draft).await.map_err(|error| tried(&draft, error))?;
    if until == Until::Submitted {
        let submit = Command::Submit { order: id(&drafted, "order")? };
        stage.play(&submit).await.map_err(|error| tried(&submit, error))?;
    }
    Ok(())
}

fn id<Id: std::str::FromStr>(ids: &Ids, name: &str) -> Result<Id, Error> {
    let found = ids.get(name).and_then(|id| id.parse().ok());
    found.ok_or_else(|| fault(format!("the command makes no `{name}`")))
}

fn fault(detail: String) -> Error {
    Error::Engine(engine::Error::Corrupt { stream: "a rehearsal".to_owned(), detail })
}

/// States as the rehearsal left them.
#[derive(Default)]
struct States(BTreeMap<StreamId, (u64, State)>);

impl Streams for States {
    fn state(&self, stream: StreamId) -> Option<(u64, State)> {
        self.0.get(&stream).cloned()
    }
}

struct Stage<'a> {
    engine: &'a Engine,
    provenance: &'a Provenance,
    at: DateTime<Utc>,
    states: States,
}

impl<'a> Stage<'a> {
    fn new(engine: &'a Engine, provenance: &'a Provenance) -> Self {
        Self { engine, provenance, at: engine.now(), states: States::default() }
    }

    /// Decides a command as the engine would, and keeps what it led to for the next one.
    async fn play(&mut self, command: &Command) -> Result<Ids, Error> {
        let mut lookups = Lookups::default();
        // One seed for all attempts: what is asked for in one must be what the next one names.
        let seed = Uuid::now_v7();
        let (mut needs, mut lost) = (0, 0);
        loop {
            let context = Context { at: self.at, rules: Arc::clone(self.engine.rules()) };
            let desk = Desk::new(context, Mint::new(seed, self.at), &self.states, &lookups);
            match joint::decide(desk, command, self.provenance.reseller) {
                Ok(decision) => {
                    let taken = self.taken(&decision).await?;
                    if taken.is_empty() {
                        return Ok(self.keep(decision));
                    }
                    lost += 1;
                    if lost > COMMIT_ATTEMPTS_MAX {
                        return Err(Error::Engine(engine::Error::Conflict { attempts: lost }));
                    }
                    lookups.found_taken(taken);
                }
                Err(Undecided { halt: Halt::Need(missing), .. }) => {
                    needs += 1;
                    if needs > NEEDS_MAX {
                        return Err(fault(format!("{} never has enough: {missing:?}", command.name())));
                    }
                    self.bring(missing, &mut lookups).await?;
                }
                Err(Undecided { halt: Halt::Refused(reasons), .. }) => {
                    return Err(Error::Refused(reasons.into_iter().map(Problem::from).collect()));
                }
                Err(Undecided { halt: Halt::Illegal(event), .. }) => {
                    return Err(Error::Engine(engine::Error::illegal(command.name(), &event)));
                }
            }
        }
    }

    fn keep(&mut self, decision: Decision) -> Ids {
        for decided in decision.decided {
            let sequence = decided.after + decided.events.len() as u64;
            self.states.0.insert(decided.stream, (sequence, decided.state));
        }
        decision.ids
    }

    /// The claims that somebody else holds.
    async fn taken(&self, decision: &Decision) -> Result<Vec<Claim>, Error> {
        let changes: Vec<&ClaimChange> =
            decision.claims.iter().filter(|change| change.action == ClaimAction::Take).collect();
        let claims: Vec<_> = changes.iter().map(|take| take.claim.clone()).collect();
        let holders = self.engine.log().holders(&claims).await.map_err(engine::Error::from)?;
        let given_up = |claim: &Claim| {
            decision
                .claims
                .iter()
                .any(|change| change.action == ClaimAction::Release && change.claim == *claim)
        };
        let taken = changes.into_iter().zip(holders).filter(|(take, holder)| {
            holder.is_some_and(|holder| holder != take.holder) && !given_up(&take.claim)
        });
        Ok(taken.map(|(take, _)| take.claim.clone()).collect())
    }

    async fn bring(&mut self, needs: Vec<Need>, lookups: &mut Lookups) -> Result<(), Error> {
        for need in needs {
            match need {
                Need::Stream(stream) => {
                    let state = self.engine.state(stream).await?;
                    self.states.0.insert(stream, state);
                }
                Need::Numbers { searches, mut except } => {
                    for search in searches {
                        let found = query::free_numbers(self.engine.log(), &search, &except).await?;
                        lookups.found_numbers(search, &mut except, found);
                    }
                }
                Need::Holders(claims) => {
                    let holders = self.engine.log().holders(&claims).await.map_err(engine::Error::from)?;
                    for (claim, holder) in claims.into_iter().zip(holders) {
                        lookups.found_holder(claim, holder);
                    }
                }
                Need::LiveCompanies(reseller) => {
                    let (sequence, count) = self.engine.live_companies(reseller).await?;
                    lookups.found_live_companies(reseller, sequence, count);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        edge::document::parse,
        engine::log::SharedLog,
        engine::{Actor, sealing::MasterKey},
        stores::memory::MemoryLog,
    };

    #[tokio::test]
    async fn a_company_that_was_qualified_before_a_crash_is_the_documents_own() {
        let log: SharedLog = Arc::new(MemoryLog::new());
        log.create_tables(&Engine::tables()).await.unwrap();
        let engine = Engine::builder().background(false);
        let engine = engine.open(log, MasterKey::generate()).await.unwrap();
        let operator = Provenance::of(Actor::new("operator").unwrap());
        let reseller = Command::CreateReseller {
            code: "R100".parse().unwrap(),
            cug_id: "R100".parse().unwrap(),
            sales_tag: "R100".parse().unwrap(),
            name: "Northern Voice".parse().unwrap(),
        };
        engine.execute(&reseller, &operator, None).await.unwrap();
        let document = parse(
            r#"{ "reference": "PO-1", "reseller": "R100",
                 "company": { "name": "Acme Ltd", "domain": "acme.example" },
                 "lines": [{ "kind": "company", "id": "acme", "channels": 10 }] }"#,
        )
        .unwrap();
        let parties = place::parties(&engine, &operator, &document).await.unwrap();
        let Party::New(qualify) = parties.company else { panic!("the company is new") };
        let key = earlier::company(&engine, parties.reseller, &document).await.unwrap().key;
        let qualified = engine.execute(&qualify, &operator, Some(&key)).await.unwrap();

        rehearse(&engine, &operator, &document).await.unwrap();
        let placed = place::place(&engine, &operator, &document).await.unwrap();
        assert_eq!(placed.company, Some(qualified.id("company")));
        engine.close().await;
    }
}
