//! Following the log event by event: what can be said of an event only by those before it.

use std::collections::HashSet;

use futures::StreamExt as _;
use uuid::Uuid;

use super::{
    Finding, Report, Stop, claims::Claims, compare, levels::Levels, models::Models, read, states::States,
};
use crate::{
    audit::note::Checkpoint,
    engine::{
        Engine,
        leaf::Frontier,
        log::{Head, Position},
    },
};

/// What is known of the log so far.
pub struct Follow<'a> {
    engine: &'a Engine,
    tree: Frontier,
    levels: Levels,
    states: States,
    recorded_at_us: i64,
    /// The commit at hand: its id, what its events share, when it was recorded.
    commit: Option<(Uuid, Option<String>, i64)>,
    /// Every commit, so that none comes back.
    commits: HashSet<Uuid>,
    /// Checkpoints in order of their sizes, and how many of them agree.
    witness: Vec<Checkpoint>,
    agreed: usize,
    derived: Option<(Claims, Models)>,
}

impl<'a> Follow<'a> {
    /// Goes on behind a tree that was compared already.
    pub async fn begin(
        engine: &'a Engine,
        tree: Frontier,
        witness: Vec<Checkpoint>,
        models: bool,
    ) -> Result<Self, Stop> {
        let states = States::begin(tree.leaves() > 0);
        let derived = if models { Some((Claims::default(), Models::begin(engine).await?)) } else { None };
        let mut follow = Self {
            engine,
            tree,
            levels: Levels::default(),
            states,
            recorded_at_us: i64::MIN,
            commit: None,
            commits: HashSet::new(),
            witness,
            agreed: 0,
            derived,
        };
        follow.compare_earlier().await?;
        Ok(follow)
    }

    /// Checkpoints of what is not read again are compared by the hashes that the store has, tied to the one that is.
    async fn compare_earlier(&mut self) -> Result<(), Stop> {
        let begun = self.tree.leaves();
        while let Some(checkpoint) = self.witness.get(self.agreed).filter(|it| it.size < begun) {
            let peaks = super::tree::nodes_of_root(checkpoint.size);
            let found = super::proofs::nodes(self.engine, &peaks).await?;
            let bytes: Vec<u8> = peaks.iter().flat_map(|peak| found[peak]).collect();
            let tree =
                Frontier::from_bytes(checkpoint.size, &bytes).expect("a peak for every bit of the size");
            compare(&tree, checkpoint, self.agreed_to())?;
            self.agreed += 1;
        }
        self.compare_here().map_err(Stop::from)
    }

    fn agreed_to(&self) -> Position {
        self.agreed.checked_sub(1).map_or(0, |last| self.witness[last].size)
    }

    /// Checkpoints of the log as long as it is now.
    fn compare_here(&mut self) -> Result<(), Finding> {
        while let Some(checkpoint) = self.witness.get(self.agreed).filter(|it| it.size == self.tree.leaves())
        {
            compare(&self.tree, checkpoint, self.agreed_to())?;
            self.agreed += 1;
        }
        Ok(())
    }

    /// Follows up to the head.
    pub async fn to(&mut self, head: &Head, mut progress: impl FnMut(Position)) -> Result<(), Stop> {
        let mut chunks = std::pin::pin!(read::chunks(self.engine, self.tree.leaves(), head.position));
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            let taken = self.take_all(&chunk).await;
            if let Some((_, models)) = &mut self.derived {
                if taken.is_err() {
                    // What is wrong in front of this chunk comes first.
                    models.finish().await?;
                } else {
                    models.fold(chunk.seen).await?;
                }
            }
            taken?;
            progress(self.tree.leaves());
        }
        Ok(())
    }

    async fn take_all(&mut self, chunk: &read::Chunk) -> Result<(), Stop> {
        for event in &chunk.seen {
            self.take(event).await?;
        }
        match &chunk.finding {
            Some(found) => Err(found.clone().into()),
            None => self.levels.compare(self.engine).await,
        }
    }

    async fn take(&mut self, event: &read::Seen) -> Result<(), Stop> {
        let position = event.fact.position;
        if event.recorded_at_us < self.recorded_at_us {
            let detail =
                "it was recorded before the event in front of it: it was dated back, or that one ahead";
            return Err(Finding::at(position, "time", detail).into());
        }
        self.recorded_at_us = event.recorded_at_us;
        self.take_commit(event)?;
        self.states.take(self.engine, event).await?;
        if let Some((claims, _)) = &mut self.derived {
            claims.take(&event.fact)?;
        }
        self.tree.push(event.leaf);
        self.levels.push(position, event.leaf);
        Ok(self.compare_here()?)
    }

    /// A commit is in one piece, and its events share who, when and why.
    fn take_commit(&mut self, event: &read::Seen) -> Result<(), Finding> {
        let position = event.fact.position;
        if let Some((commit, metadata, recorded_at_us)) = &self.commit
            && *commit == event.commit
        {
            let same = *metadata == event.metadata && *recorded_at_us == event.recorded_at_us;
            let detail = "it says otherwise than the rest of its commit who wanted it, when or why";
            return if same { Ok(()) } else { Err(Finding::at(position, "commit", detail)) };
        }
        if !self.commits.insert(event.commit) {
            return Err(Finding::at(
                position,
                "commit",
                "its commit ended before other events, and goes on here",
            ));
        }
        self.commit = Some((event.commit, event.metadata.clone(), event.recorded_at_us));
        Ok(())
    }

    /// What was verified so far.
    pub fn tell(&self, report: &mut Report) {
        report.to = self.tree.leaves();
        report.root = self.tree.root();
        report.streams = self.states.len() as u64;
        report.commits = self.commits.len() as u64;
        report.checkpoints = self.agreed as u64;
    }

    /// What can be said at the end alone: the head, and everything derived.
    pub async fn finish(self, head: &Head, report: &mut Report) -> Result<(), Stop> {
        if self.tree != head.frontier {
            let detail = "the leaves up to here are not those of the tree that the head of the log says";
            return Err(Finding::among(report.after + 1, head.position, "head", detail).into());
        }
        if head.position > report.after && head.recorded_at_us != self.recorded_at_us {
            let detail = "the head of the log says another time than its last event";
            return Err(Finding::at(head.position, "head", detail).into());
        }
        // What was appended meanwhile comes with a head that has moved.
        let beyond = self.engine.page(head.position, 1).await?;
        if let Some(event) = beyond.first()
            && self.engine.head().await?.position < event.position
        {
            return Err(Finding::at(event.position, "head", "it is behind the end that the head says").into());
        }
        let hidden = self.engine.log().hidden_rows().await.map_err(crate::engine::Error::from)?;
        if hidden > 0 {
            let detail = format!("{hidden} rows of the log are at no position that it has");
            return Err(Finding::of("position", detail).into());
        }
        if let Some((claims, models)) = self.derived {
            report.claims = claims.compare(self.engine, head.position).await?;
            report.rows = models.compare().await?;
        }
        Ok(())
    }
}
