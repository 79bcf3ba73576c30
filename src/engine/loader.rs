//! Cold streams: whatever is asked for at the same time is loaded with one question to the store.

use std::sync::Arc;

use orderwire_domain::{
    company::Company,
    fact::Happened,
    ids::{AggregateKind, StreamId},
    joint::State,
    number_block::NumberBlock,
    order::Order,
    port_request::PortRequest,
    reseller::Reseller,
    webhook::Webhook,
};
use tokio::sync::{mpsc, oneshot};

use super::{
    error::Error,
    log::{LoadedEvent, Sequence, SharedLog, Snapshot, StoreError, StreamLoad},
};

/// One question to the store asks for at most this many streams.
const LOAD_STREAMS_MAX: usize = 256;
/// Loads under way at once; a small number keeps connections free for queries.
const LOADERS: usize = 2;
/// No snapshot has this schema: what is loaded by it is loaded from its first event.
const NO_SCHEMA: &str = "";

/// A stream at the sequence it was loaded with.
pub type Loaded = (StreamId, Sequence, State);

type Request = (Vec<StreamId>, oneshot::Sender<Result<Vec<Loaded>, Error>>);

/// Loads streams for whoever asks.
#[derive(Clone, Debug)]
pub struct Loader(mpsc::UnboundedSender<Request>);

impl Loader {
    /// Starts the tasks that load.
    pub fn start(log: &SharedLog) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
        for _ in 0..LOADERS {
            tokio::spawn(run(Arc::clone(log), Arc::clone(&receiver)));
        }
        Self(sender)
    }

    /// Loads streams; one that has no event yet is at its beginning.
    pub async fn load(&self, streams: Vec<StreamId>) -> Result<Vec<Loaded>, Error> {
        let (answer, loaded) = oneshot::channel();
        self.0.send((streams, answer)).map_err(|_| Error::Closed)?;
        loaded.await.map_err(|_| Error::Closed)?
    }
}

async fn run(log: SharedLog, requests: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Request>>>) {
    loop {
        let mut taken = Vec::new();
        {
            let mut requests = requests.lock().await;
            let Some(first) = requests.recv().await else { return };
            let mut streams = first.0.len();
            taken.push(first);
            while streams < LOAD_STREAMS_MAX {
                let Ok(next) = requests.try_recv() else { break };
                streams += next.0.len();
                taken.push(next);
            }
        }
        answer(&log, taken).await;
    }
}

async fn answer(log: &SharedLog, requests: Vec<Request>) {
    let streams: Vec<(StreamId, &str)> = requests
        .iter()
        .flat_map(|(streams, _)| streams)
        .map(|stream| (*stream, schema(stream.kind)))
        .collect();
    let loads = match log.load(&streams).await {
        Ok(loads) if loads.len() == streams.len() => Ok(loads.into_iter()),
        Ok(_) => Err(StoreError::Corrupt("a load was not answered".to_owned())),
        Err(error) => Err(error),
    };
    let mut loads = match loads {
        Ok(loads) => loads,
        Err(error) => {
            for (_, answer) in requests {
                reply(answer, Err(error.clone().into()));
            }
            return;
        }
    };
    for (streams, answer) in requests {
        let loads: Vec<_> = streams.into_iter().zip(loads.by_ref()).collect();
        reply(answer, fold_all(log, loads).await);
    }
}

async fn fold_all(log: &SharedLog, loads: Vec<(StreamId, StreamLoad)>) -> Result<Vec<Loaded>, Error> {
    let mut loaded = Vec::new();
    for (stream, load) in loads {
        loaded.push(fold(log, stream, load).await?);
    }
    Ok(loaded)
}

/// The state that a snapshot and the events after it lead to.
pub async fn fold(log: &SharedLog, stream: StreamId, load: StreamLoad) -> Result<Loaded, Error> {
    match begin(stream, load.snapshot) {
        Ok((sequence, state)) => follow(stream, sequence, state, load.events),
        Err(error) => {
            // A snapshot only saves time: the events it stands for are all there.
            tracing::warn!(%stream, %error, "a snapshot cannot be read; its events are read instead");
            let whole = log.load(&[(stream, NO_SCHEMA)]).await?.into_iter().next();
            let events = whole.map(|load| load.events).unwrap_or_default();
            follow(stream, 0, State::beginning(stream), events)
        }
    }
}

fn reply(answer: oneshot::Sender<Result<Vec<Loaded>, Error>>, loaded: Result<Vec<Loaded>, Error>) {
    if answer.send(loaded).is_err() {
        tracing::debug!("nobody waits for this load any more");
    }
}

/// Where a fold begins.
fn begin(stream: StreamId, snapshot: Option<Snapshot>) -> Result<(Sequence, State), serde_json::Error> {
    match snapshot {
        Some(snapshot) => Ok((snapshot.sequence, read_state(stream.kind, &snapshot.state)?)),
        None => Ok((0, State::beginning(stream))),
    }
}

/// The state that these events lead to.
fn follow(
    stream: StreamId,
    mut sequence: Sequence,
    mut state: State,
    events: Vec<LoadedEvent>,
) -> Result<Loaded, Error> {
    let corrupt = |detail: String| Error::Corrupt { stream: stream.to_string(), detail };
    for event in events {
        if event.sequence != sequence + 1 {
            return Err(corrupt(format!("event {} follows event {sequence}", event.sequence)));
        }
        let happened = Happened::read(stream, &event.event_type, &event.event_version, &event.payload)
            .map_err(|error| corrupt(format!("event {} cannot be read: {error}", event.sequence)))?;
        state = state.after(&happened).map_err(|illegal| Error::illegal(stream, &illegal))?;
        sequence = event.sequence;
    }
    Ok((stream, sequence, state))
}

/// Names the schema of a stored state. A changed state gets a new name, and older snapshots are not read any more.
pub fn schema(kind: AggregateKind) -> &'static str {
    match kind {
        AggregateKind::Order => "order-1",
        AggregateKind::Company => "company-2",
        AggregateKind::PortRequest => "port_request-1",
        AggregateKind::NumberBlock => "number_block-1",
        AggregateKind::Reseller => "reseller-1",
        AggregateKind::Webhook => "webhook-1",
    }
}

/// A snapshot of a state.
pub fn snapshot(stream: StreamId, sequence: Sequence, state: &State) -> Result<Snapshot, serde_json::Error> {
    let state = match state {
        State::Order(state) => serde_json::to_string(&**state),
        State::Company(state) => serde_json::to_string(&**state),
        State::PortRequest(state) => serde_json::to_string(&**state),
        State::NumberBlock(state) => serde_json::to_string(&**state),
        State::Reseller(state) => serde_json::to_string(&**state),
        State::Webhook(state) => serde_json::to_string(&**state),
    }?;
    Ok(Snapshot { stream, sequence, fingerprint: schema(stream.kind).to_owned(), state })
}

fn read_state(kind: AggregateKind, text: &str) -> Result<State, serde_json::Error> {
    Ok(match kind {
        AggregateKind::Order => State::Order(Arc::new(serde_json::from_str::<Order>(text)?)),
        AggregateKind::Company => State::Company(Arc::new(serde_json::from_str::<Company>(text)?)),
        AggregateKind::PortRequest => {
            State::PortRequest(Arc::new(serde_json::from_str::<PortRequest>(text)?))
        }
        AggregateKind::NumberBlock => {
            State::NumberBlock(Arc::new(serde_json::from_str::<NumberBlock>(text)?))
        }
        AggregateKind::Reseller => State::Reseller(Arc::new(serde_json::from_str::<Reseller>(text)?)),
        AggregateKind::Webhook => State::Webhook(Arc::new(serde_json::from_str::<Webhook>(text)?)),
    })
}
