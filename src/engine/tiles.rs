//! The inner hashes of the Merkle tree, kept so that a proof in a long log is a few short reads.
//!
//! The tree is cut as C2SP tlog-tiles has it: a tile is 256 hashes side by side, and one hash of level n + 1 is the root of
//! a whole tile of level n. Level 0 are the leaves, which the log itself has; of every other level the built-in reader
//! [`TILES`] keeps the hashes that are complete, a row each: one for 256 events, one more for 65,536, and so on. It is woken
//! by the head like every reader, but does nothing, and tells the store nothing, before a tile of leaves is full; so it
//! costs a light load nothing. What it has not made yet is worked out from the level below. Absent: proofs, and how tiles
//! are served (`audit`).

use orderwire_domain::views::table::{Row, Table};

use super::{
    Engine, Inner,
    error::Error,
    follower::Lag,
    leaf::{Frontier, Hash, hex},
    leases::{Turn, is_fenced_out},
    log::{Position, ReaderCommit, RowChange, SharedLog, StoreError},
    readers::Reader,
    recent::Source,
    sealing::unhex,
};

/// The reader that keeps them.
pub const TILES: &str = "tiles";
/// Hashes of a whole tile.
pub const TILE_WIDTH: u64 = WIDTH as u64;
/// The same, as lists count.
const WIDTH: usize = 256;
/// Leaves whose hashes are made in one transaction, at most: 64 rows, and some of the levels above.
const LEAVES_AT_ONCE: u64 = 64 * TILE_WIDTH;

/// Complete hashes of every level but the leaves: the key is the level and the index, the parent their tile.
pub static TILE_HASH: Table = Table { name: "tile_hash", columns: &[], indexes: &[] };

/// How many events of a log of this length fill tiles.
pub(super) fn filled(head: Position) -> Position {
    head - head % TILE_WIDTH
}

/// Up to where the next transaction goes; both are where a tile begins.
pub(super) fn next(after: Position, to: Position) -> Position {
    to.min(after + LEAVES_AT_ONCE)
}

impl Reader {
    /// A step of the reader of tiles; answers how many events fill the tiles that it made.
    pub(super) async fn step_tiles(
        &self,
        inner: &Inner,
        source: Source,
        lag: &mut Lag,
    ) -> Result<usize, Error> {
        let log = &inner.log;
        let head = match source {
            Source::Own => inner.recent.appended_to(),
            Source::Log => {
                // Somebody else may have come further, or begun again.
                self.moved(log, lag).await?;
                let reached = self.reached();
                let leaves =
                    log.leaves(reached, usize::try_from(LEAVES_AT_ONCE).unwrap_or(usize::MAX)).await?;
                reached + leaves.len() as Position
            }
        };
        if self.behind(head) == 0 {
            return Ok(0);
        }
        let fence = match inner.leases.turn(&self.name, self.reached()).await? {
            Turn::Mine(fence) => fence,
            Turn::Theirs(_) => return self.go_back(log, lag).await.map(|()| 1),
        };
        if !self.is_under(&fence) {
            self.come_under(log, lag, &fence).await?;
        }
        let after = self.reached();
        let to = next(after, filled(head));
        if to <= after {
            return Ok(1);
        }
        let commit = ReaderCommit {
            reader: self.name.clone(),
            after,
            to,
            changes: changes(log, after, to, &TILE_HASH).await?,
            fence: Some(fence.clone()),
            ..ReaderCommit::default()
        };
        match self.apply(inner, lag, &commit, source).await {
            Ok(()) => {
                self.came_to(to);
                Ok(usize::try_from(to - after).unwrap_or(usize::MAX))
            }
            // Another process has made these, or makes them now.
            Err(Error::Store(StoreError::CheckpointMoved { .. })) => self.go_back(log, lag).await.map(|()| 1),
            Err(error) if is_fenced_out(&error) => {
                inner.leases.lost(&fence);
                self.go_back(log, lag).await.map(|()| 1)
            }
            Err(error) => Err(error),
        }
    }
}

/// The rows of every hash that is complete with the leaves after one position, up to another; a tile begins at both.
pub(super) async fn changes(
    log: &SharedLog,
    after: Position,
    to: Position,
    table: &'static Table,
) -> Result<Vec<RowChange>, Error> {
    let mut changes = Vec::new();
    let mut made = roots(&leaves(log, after, to - after).await?);
    let (mut level, mut first) = (1, after / TILE_WIDTH);
    loop {
        changes.extend(
            made.iter().zip(first..).map(|(hash, index)| RowChange::Put(table, row(level, index, hash))),
        );
        let end = first + made.len() as u64;
        let (first_full, end_full) = (first / TILE_WIDTH, end / TILE_WIDTH);
        if first_full == end_full {
            return Ok(changes);
        }
        // The first tile that is full now was begun before.
        let begun = stored(log, table, level, first_full).await?;
        let mut hashes: Vec<Hash> =
            begun.into_iter().take_while(|(index, _)| *index < first).map(|it| it.1).collect();
        if hashes.len() as u64 != first % TILE_WIDTH {
            return Err(missing(level, first_full * TILE_WIDTH + hashes.len() as u64));
        }
        hashes.append(&mut made);
        made = roots(&hashes);
        (level, first) = (level + 1, first_full);
    }
}

impl Engine {
    /// Hashes of one tile: `count` of them from `start` on, counted from 0 along their level. Level 0 are the leaves, and a
    /// hash of any other is the root of 256 of the level below. All of them have to be complete in the log.
    pub async fn tile_hashes(&self, level: u8, start: u64, count: u64) -> Result<Vec<Hash>, Error> {
        hashes(&self.inner.log, level, start, count).await
    }
}

async fn hashes(log: &SharedLog, level: u8, start: u64, count: u64) -> Result<Vec<Hash>, Error> {
    if level == 0 {
        return leaves(log, start, count).await;
    }
    let mut stored = stored(log, &TILE_HASH, level, start / TILE_WIDTH).await?.into_iter().peekable();
    let mut found = Vec::new();
    for wanted in start..start + count {
        while stored.next_if(|(index, _)| *index < wanted).is_some() {}
        found.push(match stored.next_if(|(index, _)| *index == wanted) {
            Some((_, hash)) => hash,
            None => root(&Box::pin(hashes(log, level - 1, wanted * TILE_WIDTH, TILE_WIDTH)).await?),
        });
    }
    Ok(found)
}

async fn leaves(log: &SharedLog, after: Position, count: u64) -> Result<Vec<Hash>, Error> {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let leaves = log.leaves(after, limit).await?;
    if leaves.len() == limit { Ok(leaves) } else { Err(missing(0, after + leaves.len() as u64)) }
}

/// What is stored of a tile, in order.
async fn stored(
    log: &SharedLog,
    table: &'static Table,
    level: u8,
    tile: u64,
) -> Result<Vec<(u64, Hash)>, Error> {
    let rows = log.children(table, &[name(level, tile)]).await?;
    rows.iter().map(read).collect::<Option<_>>().ok_or_else(|| missing(level, tile * TILE_WIDTH))
}

fn missing(level: u8, index: u64) -> Error {
    let detail = format!(
        "of the hashes of the Merkle tree, number {index} of level {level} of its tiles is not right"
    );
    StoreError::Corrupt(detail).into()
}

/// The roots of the whole tiles among these hashes, the first of which begins one.
fn roots(hashes: &[Hash]) -> Vec<Hash> {
    let (tiles, _) = hashes.as_chunks::<WIDTH>();
    tiles.iter().map(|tile| root(tile)).collect()
}

fn root(hashes: &[Hash]) -> Hash {
    hashes.iter().copied().collect::<Frontier>().root()
}

/// The name of a hash, or of a tile: as texts they are in the order of their indexes.
fn name(level: u8, index: u64) -> String {
    format!("{level}/{index:015}")
}

fn row(level: u8, index: u64, hash: &Hash) -> Row {
    let doc = format!("\"{}\"", hex(hash));
    Row { key: name(level, index), parent: name(level, index / TILE_WIDTH), columns: Vec::new(), doc }
}

fn read(row: &Row) -> Option<(u64, Hash)> {
    let (_, index) = row.key.split_once('/')?;
    let hash = row.doc.strip_prefix('"')?.strip_suffix('"')?;
    Some((index.parse().ok()?, unhex(hash)?.try_into().ok()?))
}

#[cfg(test)]
pub(crate) mod tests;
