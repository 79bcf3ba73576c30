//! One command's dealings with an engine: open it, act as somebody, bring what follows up to date, close it.

use std::{fmt::Display, io, time::Duration};

use orderwire_domain::{
    company::Company,
    ids::{CompanyId, OrderId, ResellerId, StreamId},
    joint::{Command, State},
    names::{FreeText, ResellerCode},
    order::Order,
    port_request::PortRequest,
    sealed::Sealed,
    views::{order_status::OrderView, table::Record},
    webhook::Webhook,
};
use strum::VariantArray;
use uuid::Uuid;

use super::{Failure, Globals, Output, Surroundings};
use crate::{
    audit::key_file::KeyFile,
    config::{AuditSettings, Config},
    edge::{
        audit_reads::{self, Recorded},
        document::Personal,
        open::{KeySource, OpenOptions, open_engine},
        place,
    },
    engine::{
        Actor, Engine, IdempotencyKey, Provenance, Receipt, Via,
        fulfilment::AutoProvisioner,
        log::{Filter, Select},
        query::{self, equal},
    },
    stores::Migrate,
};

/// Records that one list shows at most; past this somebody wants an export.
pub const LIST_MAX: usize = 10_000;

/// Catching up with the log takes at most about this long: past it, what is known is worth more than waiting.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(5);

/// An open engine, and who asks.
pub struct Session {
    /// The engine.
    pub engine: Engine,
    /// Who asks.
    pub provenance: Provenance,
    /// The store, as it was named.
    pub store: String,
    /// Where the key is that signs checkpoints, if that can be said.
    pub checkpoint_key: Option<KeyFile>,
}

/// Where the key is that signs checkpoints of a store.
pub fn checkpoint_key(options: &OpenOptions, config: &Config) -> Option<KeyFile> {
    let AuditSettings { checkpoint_key_file, origin, .. } = AuditSettings::of(config);
    let path = checkpoint_key_file.or_else(|| options.checkpoint_key_file())?;
    Some(KeyFile { path, origin })
}

/// How to open the store that was named.
pub fn open_options(globals: &Globals, surroundings: &Surroundings) -> OpenOptions {
    let key = surroundings.config.master_key().filter(|_| globals.master_key_file.is_none());
    let file = globals.master_key_file.clone().map(KeySource::File);
    OpenOptions {
        migrate: if globals.migrate { Migrate::Yes } else { Migrate::No },
        master_key: file.or_else(|| key.map(KeySource::Digits)),
        state_folder: surroundings.state_folder.clone(),
        ..OpenOptions::of(globals.store.clone().unwrap_or_default())
    }
}

/// The store as messages name it: of a URL only what carries no password.
pub fn shown(store: &str) -> String {
    match store.split_once("://") {
        Some((scheme, rest)) => {
            let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
            format!("{scheme}://{}", place.split('?').next().unwrap_or_default())
        }
        None => store.to_owned(),
    }
}

impl Session {
    /// Opens the store; its schema is changed only where that was asked for.
    pub async fn open(
        globals: &Globals,
        surroundings: &Surroundings,
        migrate: bool,
    ) -> Result<Self, Failure> {
        let actor = Actor::new(globals.actor.as_deref().unwrap_or_default())
            .map_err(|error| Failure::of_argument("--actor", error))?;
        let code = globals.reseller.as_deref().map(str::parse::<ResellerCode>).transpose();
        let code = code.map_err(|error| Failure::of_argument("--as", error))?;
        let mut options = open_options(globals, surroundings);
        if migrate {
            options.migrate = Migrate::Yes;
        }
        let mut builder = Engine::builder()
            .background(false)
            .refusals_kept(AuditSettings::of(&surroundings.config).refusals_kept);
        if let Some(clock) = &surroundings.clock {
            builder = builder.clock(clock.clone());
        }
        if globals.auto_provision {
            builder = builder.provisioner(AutoProvisioner);
        }
        let engine = open_engine(&options, builder).await;
        let engine = engine.map_err(|error| Failure::Open { store: shown(&options.store), error })?;
        // Whatever one run leads to can be traced by it.
        let mut provenance =
            Provenance::of(actor).asked(Via::CommandLine).tied_to(Some(Uuid::now_v7().simple().to_string()));
        if let Some(code) = code {
            match place::reseller(&engine, &code).await {
                Ok(Some(reseller)) => provenance.reseller = Some(reseller),
                found => {
                    engine.close().await;
                    found?;
                    return Err(Failure::not_found("reseller", code.as_str()));
                }
            }
        }
        let checkpoint_key = checkpoint_key(&options, &surroundings.config);
        Ok(Self { engine, provenance, store: options.store, checkpoint_key })
    }

    /// Brings everything to its end.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Brings read models, fulfilment and due timers up to date.
    pub async fn settle(&self) -> Result<(), Failure> {
        Ok(self.engine.settle().await?)
    }

    /// Has the read models take what other processes have appended by now, so that it can be seen; says so where they lag
    /// all the same. What it makes due is left to whoever appended it.
    pub async fn catch_up(&self, output: &mut Output<'_>) -> io::Result<()> {
        match self.engine.catch_up(CAUGHT_UP_WITHIN).await {
            Ok(0) => Ok(()),
            Ok(lacks) => output.remark(&format!("what is shown may lack the last {lacks} events of the log")),
            Err(error) => output.remark(&format!("what is shown may lack the end of the log: {error}")),
        }
    }

    /// Executes a command, and what follows from it.
    pub async fn execute(&self, command: &Command, output: &mut Output<'_>) -> Result<Receipt, Failure> {
        self.execute_keyed(command, None, output).await
    }

    /// The same; with a key, a command that was done before is not done again.
    pub async fn execute_keyed(
        &self,
        command: &Command,
        key: Option<&IdempotencyKey>,
        output: &mut Output<'_>,
    ) -> Result<Receipt, Failure> {
        self.execute_as(&self.provenance, command, key, output).await
    }

    /// The same, with more said of who wants it and why.
    pub async fn execute_as(
        &self,
        provenance: &Provenance,
        command: &Command,
        key: Option<&IdempotencyKey>,
        output: &mut Output<'_>,
    ) -> Result<Receipt, Failure> {
        let receipt = self.engine.execute(command, provenance, key).await?;
        let events = match receipt.appended.count {
            _ if receipt.repeated => "done before".to_owned(),
            0 => "nothing to change".to_owned(),
            1 => "1 event".to_owned(),
            count => format!("{count} events"),
        };
        output.remark(&format!("{}: {events}, at position {}", command.name(), receipt.appended.last()))?;
        // What was done is said before anything that follows from it can fail.
        self.settle().await.map_err(Failure::pending)?;
        Ok(receipt)
    }

    /// Records that somebody reads the audit; where the store takes no writes, it is said that nobody did.
    pub async fn record_read(&self, asked: &str, output: &mut Output<'_>) -> Result<(), Failure> {
        let actor = self.provenance.actor.as_str();
        let reseller = self.provenance.reseller.map(|reseller| format!(" as {reseller}")).unwrap_or_default();
        let asked = format!("{asked}{reseller}");
        match audit_reads::record(&self.engine, actor, Via::CommandLine, &asked).await? {
            Recorded::Yes => Ok(()),
            Recorded::TakesNoWrites(why) => {
                Ok(output.remark(&format!("that this was read is not recorded: {why}"))?)
            }
        }
    }

    /// Refuses what only the carrier may do.
    pub fn only_carrier(&self, what: &str) -> Result<(), Failure> {
        match self.provenance.reseller {
            None => Ok(()),
            Some(_) => Err(Failure::Usage(format!("{what} is the carrier's to do: leave --as out"))),
        }
    }

    /// A record of a read model, if whoever asks may see it.
    pub async fn record<T: Record>(
        &self,
        what: &str,
        id: &str,
        of: fn(&T) -> ResellerId,
    ) -> Result<T, Failure> {
        let found: Option<T> = query::get(self.engine.log(), id).await?;
        let visible =
            found.filter(|record| self.provenance.reseller.is_none_or(|caller| caller == of(record)));
        visible.ok_or_else(|| Failure::not_found(what, id))
    }

    /// Records of a read model that whoever asks may see.
    pub async fn records<T: Record>(
        &self,
        mut filters: Vec<Filter>,
        order: &'static str,
        limit: usize,
    ) -> Result<Vec<T>, Failure> {
        filters.extend(self.provenance.reseller.map(|caller| equal("reseller", caller.to_string())));
        let limit = limit.min(LIST_MAX);
        let look = Select { table: T::TABLE, filters, order, descending: false, after: None, limit };
        Ok(query::select(self.engine.log(), &look).await?)
    }

    /// The order of an id or of a reseller's reference.
    pub async fn order(&self, named: &str) -> Result<OrderView, Failure> {
        if named.parse::<OrderId>().is_ok() {
            return self.record("order", named, |order: &OrderView| order.reseller).await;
        }
        let orders: Vec<OrderView> = self.records(vec![equal("reference", named)], "created_at", 2).await?;
        match orders.as_slice() {
            [order] => Ok(order.clone()),
            [] => Err(Failure::not_found("order", named)),
            _ => Err(Failure::Usage(format!(
                "several resellers have an order `{named}`: name one with --as, or the order's id"
            ))),
        }
    }

    /// Seals a text in somebody's own words, with the key of the company it is about or else of its reseller.
    pub async fn seal(&self, owner: StreamId, name: &str, text: &str) -> Result<Sealed, Failure> {
        let text: FreeText = text.parse().map_err(|error| Failure::of_argument(name, error))?;
        Ok(place::seal(&self.engine, owner, &Personal::new(text)).await?)
    }

    /// Whose stream it is, and whose key seals what is said about it.
    pub async fn owners(&self, stream: StreamId) -> Result<(Option<ResellerId>, StreamId), Failure> {
        let (sequence, state) = self.engine.state(stream).await?;
        if sequence == 0 {
            return Err(Failure::not_found(stream.kind.word(), &stream.to_string()));
        }
        let (reseller, company) = owners(stream, &state);
        let key = company.map(StreamId::from).or(reseller.map(StreamId::from)).unwrap_or(stream);
        if self.provenance.reseller.is_some_and(|caller| reseller != Some(caller)) {
            return Err(Failure::not_found(stream.kind.word(), &stream.to_string()));
        }
        Ok((reseller, key))
    }
}

fn owners(stream: StreamId, state: &State) -> (Option<ResellerId>, Option<CompanyId>) {
    match state {
        State::Order(order) => (Order::reseller(order), Order::company(order)),
        State::Company(company) => (Company::reseller(company), Some(CompanyId(stream.id))),
        State::PortRequest(port) => {
            let request = PortRequest::request(port);
            (request.map(|request| request.reseller), request.and_then(|request| request.company))
        }
        State::NumberBlock(_) => (None, None),
        State::Reseller(_) => (Some(ResellerId(stream.id)), None),
        State::Webhook(webhook) => (Webhook::reseller(webhook), None),
    }
}

/// A word of a closed list, such as a status.
pub fn known<T: VariantArray + Display>(name: &str, word: String) -> Result<String, Failure> {
    let words: Vec<String> = T::VARIANTS.iter().map(ToString::to_string).collect();
    if words.contains(&word) {
        return Ok(word);
    }
    Err(Failure::of_argument(name, format!("`{word}` is not one of {}", words.join(", "))))
}
