//! Every decider as a cqrs-es aggregate, over the log of this engine.
//!
//! Embedders may run `CqrsFramework` and `TestFramework` on it. One generic adapter serves all aggregates. Commands of
//! several aggregates are not to be had this way: the framework knows one aggregate, answers `()`, and its conflict says
//! nothing, so [`super::Engine::execute`] goes its three steps (load, handle, commit) over the same store itself.

use std::{collections::HashMap, sync::Arc};

use cqrs_es::{
    Aggregate, AggregateContext, AggregateError, DomainEvent, EventEnvelope, EventStore,
    event_sink::EventSink,
};
use orderwire_domain::{
    decider::{Context, Event as _, IllegalEvent, Refused, apply, handle},
    ids::{AggregateKind, StreamId},
    joint::Seated,
    refusal::Reason,
    rules::Rules,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::{
    clock::Clock,
    loader::{fold, schema},
    log::{Commit, CommitRefusal, NewEvent, SharedLog, StoreError, StreamAppend, Verdict},
};

/// A decider as the framework sees it.
#[derive(Clone, Debug, Default)]
pub struct Hosted<D> {
    state: D,
    /// An event that was no step: `apply` cannot fail, so the next command does.
    fault: Option<IllegalEvent>,
    /// Set on the copy that a sink writes through: the framework applies events again when it commits.
    deaf: bool,
}

/// An event as the framework sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct HostedEvent<E>(pub E);

/// Time and rules for decisions.
#[derive(Clone)]
pub struct Services {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The rules.
    pub rules: Arc<Rules>,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Refusal(pub Vec<Reason>);

impl<D> Hosted<D> {
    /// The aggregate itself.
    pub fn state(&self) -> &D {
        &self.state
    }
}

impl<D: Seated> Aggregate for Hosted<D> {
    const TYPE: &'static str = match D::KIND {
        AggregateKind::Order => "order",
        AggregateKind::Company => "company",
        AggregateKind::PortRequest => "port_request",
        AggregateKind::NumberBlock => "number_block",
        AggregateKind::Reseller => "reseller",
        AggregateKind::Webhook => "webhook",
    };
    type Command = D::Command;
    type Event = HostedEvent<D::Event>;
    type Error = Refusal;
    type Services = Services;

    async fn handle(
        &mut self,
        command: D::Command,
        services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Refusal> {
        if let Some(fault) = &self.fault {
            let detail = fault.to_string();
            return Err(Refusal(vec![Reason {
                code: "corrupt".to_owned(),
                subject: None,
                detail,
                expected: None,
            }]));
        }
        let context = Context { at: services.clock.now(), rules: Arc::clone(&services.rules) };
        let events = handle(&self.state, &command, &context)
            .map_err(|refused: Refused<D>| Refusal(refused.reasons()))?;
        let mut deaf = Self { state: D::default(), fault: None, deaf: true };
        for event in events {
            sink.write(HostedEvent(event), &mut deaf).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: HostedEvent<D::Event>) {
        if self.deaf || self.fault.is_some() {
            return;
        }
        match apply(std::mem::take(&mut self.state), &event.0) {
            Ok(state) => self.state = state,
            Err(fault) => self.fault = Some(fault),
        }
    }
}

impl<E: orderwire_domain::decider::Event> DomainEvent for HostedEvent<E> {
    fn event_type(&self) -> String {
        self.0.name().to_owned()
    }

    fn event_version(&self) -> String {
        self.0.version().to_owned()
    }
}

impl<T: Serialize> Serialize for Hosted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Hosted<T> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        T::deserialize(deserializer).map(|state| Self { state, fault: None, deaf: false })
    }
}

impl<E: Serialize> Serialize for HostedEvent<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, E: Deserialize<'de>> Deserialize<'de> for HostedEvent<E> {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        E::deserialize(deserializer).map(Self)
    }
}

/// An aggregate as it was loaded, with what the decision will have seen.
#[derive(Debug)]
pub struct LoadedAggregate<D> {
    stream: Option<StreamId>,
    sequence: u64,
    hosted: Hosted<D>,
}

impl<D: Seated> AggregateContext<Hosted<D>> for LoadedAggregate<D> {
    fn aggregate(&mut self) -> &mut Hosted<D> {
        &mut self.hosted
    }
}

/// The log as an event store of the framework. It appends on its own, beside any engine on the same store.
#[derive(Clone)]
pub struct LogEventStore {
    log: SharedLog,
    clock: Arc<dyn Clock>,
}

impl LogEventStore {
    /// An event store over this log.
    pub fn new(log: SharedLog, clock: Arc<dyn Clock>) -> Self {
        Self { log, clock }
    }

    fn stream<D: Seated>(id: &str) -> Result<StreamId, AggregateError<Refusal>> {
        match id.parse::<StreamId>() {
            Ok(stream) if stream.kind == D::KIND => Ok(stream),
            Ok(stream) => Err(unexpected(format!("{stream} is not of kind {}", D::KIND))),
            Err(invalid) => Err(unexpected(invalid.to_string())),
        }
    }
}

fn unexpected(what: String) -> AggregateError<Refusal> {
    AggregateError::UnexpectedError(what.into())
}

fn of_store(error: StoreError) -> AggregateError<Refusal> {
    match error {
        StoreError::Unavailable(_) => AggregateError::DatabaseConnectionError(Box::new(error)),
        StoreError::Corrupt(_) => AggregateError::DeserializationError(Box::new(error)),
        error => AggregateError::UnexpectedError(Box::new(error)),
    }
}

impl<D: Seated> EventStore<Hosted<D>> for LogEventStore {
    type AC = LoadedAggregate<D>;

    async fn load_events(&self, id: &str) -> Result<Vec<EventEnvelope<Hosted<D>>>, AggregateError<Refusal>> {
        let stream = Self::stream::<D>(id)?;
        let events = self.log.stream(stream, 0, usize::MAX).await.map_err(of_store)?;
        let envelope = |event: super::log::StoredEvent| -> Result<_, serde_json::Error> {
            Ok(EventEnvelope {
                aggregate_id: id.to_owned(),
                sequence: usize::try_from(event.sequence).unwrap_or(usize::MAX),
                payload: serde_json::from_str(&event.payload)?,
                metadata: serde_json::from_str(&event.metadata)?,
            })
        };
        let envelopes: Result<_, _> = events.into_iter().map(envelope).collect();
        envelopes.map_err(|error| AggregateError::DeserializationError(Box::new(error)))
    }

    async fn load_aggregate(&self, id: &str) -> Result<LoadedAggregate<D>, AggregateError<Refusal>> {
        let stream = Self::stream::<D>(id)?;
        let loads = self.log.load(&[(stream, schema(stream.kind))]).await.map_err(of_store)?;
        let load =
            loads.into_iter().next().ok_or_else(|| unexpected("a load was not answered".to_owned()))?;
        let folded = fold(&self.log, stream, load).await;
        let (_, sequence, state) = folded.map_err(|error| unexpected(error.to_string()))?;
        let state = D::of(&state).map(|state| (**state).clone()).unwrap_or_default();
        Ok(LoadedAggregate {
            stream: Some(stream),
            sequence,
            hosted: Hosted { state, fault: None, deaf: false },
        })
    }

    async fn commit(
        &self,
        events: Vec<HostedEvent<D::Event>>,
        context: LoadedAggregate<D>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Hosted<D>>>, AggregateError<Refusal>> {
        let stream =
            context.stream.ok_or_else(|| unexpected("an aggregate that was not loaded".to_owned()))?;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let id = Uuid::now_v7();
        let mut fields: std::collections::BTreeMap<&str, &str> =
            metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let commit_id = id.simple().to_string();
        let at = self.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        fields.insert("commit", &commit_id);
        fields.entry("decided_at").or_insert(&at);
        fields.entry("actor").or_insert("cqrs-es");
        let text = serde_json::to_string(&fields).expect("a map of strings is JSON");
        let new_event = |event: &HostedEvent<D::Event>| NewEvent {
            event_type: event.0.name().to_owned(),
            event_version: event.0.version().to_owned(),
            payload: serde_json::to_string(event).expect("events have string keys only, so they are JSON"),
            metadata: text.clone(),
        };
        let commit = Commit {
            id,
            appends: vec![StreamAppend {
                stream,
                after: context.sequence,
                events: events.iter().map(new_event).collect(),
            }],
            reads: Vec::new(),
            rests_on: Vec::new(),
            claims: events.iter().flat_map(|event| event.0.claims(stream)).collect(),
            record: None,
            keys: Vec::new(),
            fence: None,
        };
        let verdicts = self.log.append(&[Arc::new(commit)], self.clock.now().timestamp_micros()).await;
        match verdicts.map_err(of_store)?.into_iter().next() {
            Some(Verdict::Appended(_)) => {}
            Some(Verdict::Refused(CommitRefusal::Moved { .. })) => {
                return Err(AggregateError::AggregateConflict);
            }
            Some(Verdict::Refused(CommitRefusal::ClaimsTaken(claims))) => {
                let reasons = claims.iter().map(orderwire_domain::joint::taken_reason).collect();
                return Err(AggregateError::UserError(Refusal(reasons)));
            }
            other => return Err(unexpected(format!("the commit was not appended: {other:?}"))),
        }
        let envelope = |(event, sequence): (HostedEvent<D::Event>, u64)| EventEnvelope {
            aggregate_id: stream.to_string(),
            sequence: usize::try_from(sequence).unwrap_or(usize::MAX),
            payload: event,
            metadata: fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        Ok(events.into_iter().zip(context.sequence + 1..).map(envelope).collect())
    }
}
