//! What is known for certain: states are looked at as commits in flight will leave them, and such a commit may be refused.
//!
//! Whoever finds that nothing is to be done, and is not asked again, first waits until what it looked at is durable.
//! Absent: decisions, which rest on what they saw by the queue itself.

use std::{collections::BTreeMap, sync::Arc};

use orderwire_domain::{
    ids::StreamId,
    joint::{State, Streams as _},
};
use uuid::Uuid;

use super::{
    Inner,
    committer::{Answer, lock, queue},
    error::Error,
    log::{Commit, Verdict},
    tips::Written,
};

/// The streams that were looked at, each with the commit that left it so; those that were loaded are durable anyway.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<StreamId, Written>);

impl Inner {
    /// The state of an aggregate, as [`Inner::state`] has it, and takes down what it rests on.
    pub(super) async fn look(&self, stream: StreamId, seen: &mut Seen) -> Result<State, Error> {
        {
            let core = lock(&self.core);
            if let Some((_, state)) = core.tips.state(stream) {
                seen.0.extend(core.tips.written_by(stream).map(|written| (stream, written)));
                return Ok(state);
            }
        }
        let (_, sequence, state) =
            self.loader.load(vec![stream]).await?.into_iter().next().ok_or(Error::Closed)?;
        lock(&self.core).tips.loaded(stream, sequence, state.clone());
        Ok(state)
    }

    /// Waits until what was seen is durable; `false` where it is not what there is any more: look again.
    pub(super) async fn certain(&self, seen: &Seen) -> Result<bool, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let answer = {
            let mut core = lock(&self.core);
            if seen.0.iter().any(|(stream, written)| core.tips.written_by(*stream) != Some(*written)) {
                return Ok(false);
            }
            let newest = seen.0.values().map(|(number, _)| *number).max().unwrap_or_default();
            if newest <= core.certain_to {
                return Ok(true);
            }
            let nothing = Commit {
                id: Uuid::now_v7(),
                appends: Vec::new(),
                reads: Vec::new(),
                rests_on: seen.0.values().map(|(_, id)| *id).collect(),
                claims: Vec::new(),
                record: None,
                keys: Vec::new(),
                fence: None,
            };
            // The queue is ordered: once this is answered, so is everything before it.
            queue(&mut core, nothing, &Arc::new(permit))?
        };
        match answer.await.map_err(|_| Error::Closed)? {
            Answer::Verdict(Verdict::Appended(_)) => Ok(true),
            Answer::Verdict(_) | Answer::Followed => Ok(false),
            Answer::Failed(error) => Err(error.into()),
        }
    }
}
