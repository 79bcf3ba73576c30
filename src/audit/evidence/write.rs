//! Writing a pack, line by line: memory is that of one page of events.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use orderwire_domain::{ids::StreamId, joint::State};
use sha2::{Digest as _, Sha256};

use super::{LAYOUT, Line, Proved, seal_text, steps};
use crate::{
    audit::{
        as_of,
        note::{Note, SignerKey},
        proofs::{self, LeavesRead, ProvingError},
        tiles::check_leaf,
    },
    edge,
    engine::{
        Engine, Error,
        leaf::hex,
        log::{Position, StoredEvent},
        readers::PAGE_EVENTS_MAX,
    },
};

/// A pack that is being written.
pub struct Pack {
    engine: Engine,
    signer: Arc<SignerKey>,
    subject: StreamId,
    /// The size of its checkpoint: later events are not in it.
    size: Position,
    /// Lines that are ready.
    ready: VecDeque<Line>,
    /// Streams that are still to come, and how far the first of them is.
    streams: VecDeque<(StreamId, u64)>,
    page: VecDeque<StoredEvent>,
    lines: u64,
    sum: Sha256,
    is_sealed: bool,
}

impl Pack {
    /// Of an order with its company and port requests, of a port request with its order and company, or of anything else.
    pub async fn begin(
        engine: &Engine,
        signer: Arc<SignerKey>,
        read: &LeavesRead,
        subject: StreamId,
    ) -> Result<Self, edge::Error> {
        let (sequence, state) = engine.state(subject).await?;
        if sequence == 0 {
            return Err(edge::Error::refused(as_of::nobody(subject)));
        }
        let streams = with_what_belongs(engine, subject, &state).await?;
        let checkpoint = proofs::checkpoint(engine, &signer, read).await?;
        let names = streams.iter().map(ToString::to_string).collect();
        let first = Line::Pack { layout: LAYOUT.to_owned(), subject: subject.to_string(), streams: names };
        let mut ready = VecDeque::from([first, Line::Checkpoint { note: checkpoint.to_string() }]);
        let kinds: BTreeSet<_> = streams.iter().map(|stream| stream.kind).collect();
        ready.extend(
            kinds
                .into_iter()
                .map(|kind| Line::Lifecycle { aggregate: kind.word().to_owned(), steps: steps(kind) }),
        );
        Ok(Self {
            engine: engine.clone(),
            signer,
            subject,
            size: checkpoint.checkpoint().size,
            ready,
            streams: streams.into_iter().map(|stream| (stream, 0)).collect(),
            page: VecDeque::new(),
            lines: 0,
            sum: Sha256::new(),
            is_sealed: false,
        })
    }

    /// The next line, with its end; none after the last.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        let line = match self.ready.pop_front() {
            Some(line) => line,
            None => match self.next_event().await? {
                Some(event) => Line::Event(event),
                None if self.is_sealed => return Ok(None),
                None => self.seal(),
            },
        };
        let text = serde_json::to_string(&line).expect("a line has string keys only") + "\n";
        self.sum.update(&text);
        self.lines += 1;
        Ok(Some(text))
    }

    async fn next_event(&mut self) -> Result<Option<Proved>, Error> {
        loop {
            if let Some(event) = self.page.pop_front() {
                return self.proved(&event).await.map(Some);
            }
            let Some((stream, after)) = self.streams.front_mut() else { return Ok(None) };
            let page = self.engine.stream(*stream, *after, PAGE_EVENTS_MAX).await?;
            let upto = page.partition_point(|event| event.position <= self.size);
            match page.get(..upto).and_then(<[_]>::last) {
                Some(last) => *after = last.sequence,
                None => drop(self.streams.pop_front()),
            }
            self.page.extend(page.into_iter().take(upto));
        }
    }

    async fn proved(&self, event: &StoredEvent) -> Result<Proved, Error> {
        check_leaf(event)?;
        let proved = proofs::inclusion(&self.engine, event.position, Some(self.size)).await;
        let proved = proved.map_err(|error| match error {
            ProvingError::Engine(error) => error,
            other => Error::Corrupt { stream: event.stream.to_string(), detail: other.to_string() },
        })?;
        Ok(Proved {
            position: event.position,
            stream: event.stream.to_string(),
            sequence: event.sequence,
            event_type: event.event_type.clone(),
            event_version: event.event_version.clone(),
            recorded_at_us: event.recorded_at_us,
            payload: event.payload.clone(),
            metadata: event.metadata.clone(),
            leaf: hex(&event.leaf),
            proof: proved.proof.iter().map(|hash| hex(hash)).collect(),
        })
    }

    fn seal(&mut self) -> Line {
        self.is_sealed = true;
        let sum = hex(&self.sum.clone().finalize());
        let text = seal_text(self.signer.verifier().name(), &self.subject.to_string(), self.lines, &sum);
        let note =
            Note::sign(text, &[&self.signer]).expect("names, ids and numbers have no control characters");
        Line::Seal { note: note.to_string() }
    }
}

/// The subject first, then what it cannot be understood without.
async fn with_what_belongs(
    engine: &Engine,
    subject: StreamId,
    state: &State,
) -> Result<Vec<StreamId>, Error> {
    let mut streams = vec![subject];
    let order = match state {
        State::PortRequest(port) => {
            let order = port.request().map(|request| request.order.stream());
            streams.extend(order);
            match order {
                Some(order) => Some(engine.state(order).await?.1),
                None => None,
            }
        }
        other => Some(other.clone()),
    };
    if let Some(State::Order(order)) = order {
        streams.extend(order.company().map(StreamId::from));
        streams.extend(order.port_requests().map(|(_, port)| StreamId::from(port)));
    }
    let mut seen = BTreeSet::new();
    streams.retain(|stream| seen.insert(*stream));
    Ok(streams)
}
