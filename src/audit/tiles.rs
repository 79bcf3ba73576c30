//! Tiles of the log and bundles of its entries, in the layout of C2SP tlog-tiles, so that tools of transparency logs can
//! follow this one.
//!
//! A tile is up to 256 hashes of one level, side by side; a bundle is the entries of 256 leaves, each behind its length.
//! An entry is the bytes that a leaf is the hash of ([`LeafEntry::bytes`]). Both are named by level, index and, where they
//! are not whole, by width; what a name stands for never changes. Absent: HTTP, and who may ask.

use crate::{
    engine::{
        Engine, Error,
        leaf::LeafEntry,
        log::{StoreError, StoredEvent},
        tiles::TILE_WIDTH,
    },
    stores::sql::LOG_ID,
};

/// The highest level that a name can have.
const LEVEL_MAX: u8 = 63;

/// The word that stands in a path in place of a level.
const ENTRIES: &str = "entries";

/// What a tile is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Hashes of this level.
    Hashes(u8),
    /// Entries of leaves.
    Entries,
}

/// A tile by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// What it is made of.
    pub content: Content,
    /// How many tiles stand before it on its level.
    pub index: u64,
    /// How many hashes or entries it has: 256 where it is whole.
    pub width: u16,
}

impl Tile {
    /// Reads `<L>` or `entries`, and `<N>[.p/<W>]`, as they stand in a path. There is one way to write each.
    pub fn parse(level: &str, rest: &str) -> Option<Self> {
        let content = match level {
            ENTRIES => Content::Entries,
            _ => Content::Hashes(decimal(level).filter(|level| *level <= LEVEL_MAX)?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => {
                (index, decimal(width).filter(|it| (1..TILE_WIDTH).contains(&u64::from(*it)))?)
            }
            None => (rest, 256),
        };
        let digits = index.split('/').map(|part| part.strip_prefix('x').unwrap_or(part)).collect::<String>();
        let tile = Self { content, index: digits.parse().ok()?, width };
        (tile.path() == format!("{level}/{rest}")).then_some(tile)
    }

    /// Its name, behind `tile/`.
    pub fn path(&self) -> String {
        let level = match self.content {
            Content::Hashes(level) => level.to_string(),
            Content::Entries => ENTRIES.to_owned(),
        };
        let mut index = format!("{:03}", self.index % 1_000);
        let mut rest = self.index / 1_000;
        while rest > 0 {
            index = format!("x{:03}/{index}", rest % 1_000);
            rest /= 1_000;
        }
        let part = if self.is_whole() { String::new() } else { format!(".p/{}", self.width) };
        format!("{level}/{index}{part}")
    }

    /// Whether nothing can be added to it.
    pub fn is_whole(&self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }

    /// Whether a tree of so many leaves has it.
    pub fn is_in(&self, size: u64) -> bool {
        let level = match self.content {
            Content::Hashes(level) => u32::from(level),
            Content::Entries => 0,
        };
        let complete = size.checked_shr(8 * level).unwrap_or(0);
        let end = self.start().and_then(|start| start.checked_add(self.width.into()));
        end.is_some_and(|end| end <= complete)
    }

    fn start(&self) -> Option<u64> {
        self.index.checked_mul(TILE_WIDTH)
    }

    /// What it stands for; `None` where the log does not go so far.
    pub async fn bytes(&self, engine: &Engine) -> Result<Option<Vec<u8>>, Error> {
        let size = engine.head().await?.position;
        let Some(start) = self.start().filter(|_| self.is_in(size)) else { return Ok(None) };
        match self.content {
            Content::Hashes(level) => {
                Ok(Some(engine.tile_hashes(level, start, self.width.into()).await?.concat()))
            }
            Content::Entries => bundle(&engine.page(start, self.width.into()).await?).map(Some),
        }
    }
}

/// The entries of some events, each behind its length in two bytes.
fn bundle(events: &[StoredEvent]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for event in events {
        let entry = entry(event).bytes();
        let too_long = |_| StoreError::Corrupt(format!("the entry of event {} is too long", event.position));
        let length = u16::try_from(entry.len()).map_err(too_long)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&entry);
    }
    Ok(bytes)
}

/// What the leaf of an event is the hash of.
pub fn entry(event: &StoredEvent) -> LeafEntry<'_> {
    LeafEntry {
        log_id: LOG_ID,
        position: event.position,
        stream: event.stream,
        sequence: event.sequence,
        event_type: &event.event_type,
        event_version: &event.event_version,
        recorded_at_us: event.recorded_at_us,
        payload: &event.payload,
        metadata: &event.metadata,
    }
}

/// A number without a sign and without zeroes before it.
fn decimal<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number: &T| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_specification() {
        for (level, rest, index, width) in [
            ("0", "000", 0, 256),
            ("1", "x001/x234/067", 1_234_067, 256),
            ("63", "255.p/17", 255, 17),
            ("entries", "x001/000.p/255", 1_000, 255),
        ] {
            let tile = Tile::parse(level, rest).unwrap();
            assert_eq!((tile.index, tile.width), (index, width));
            assert_eq!(tile.path(), format!("{level}/{rest}"));
        }
        let name = |index| Tile { content: Content::Hashes(2), index, width: 3 }.path();
        // The other library has the height of its tiles in the name, which the specification has left out.
        for index in [0, 1, 999, 1_000, 1_234_067, u64::from(u32::MAX)] {
            let theirs = tlog_tiles::Tile::new(8, 2, index, 3, false).path();
            assert_eq!(format!("tile/8/{}", name(index)), theirs);
        }
    }

    #[test]
    fn what_is_written_otherwise_names_nothing() {
        for (level, rest) in [
            ("64", "000"),
            ("00", "000"),
            ("-1", "000"),
            ("+1", "000"),
            ("", "000"),
            ("data", "000"),
            ("0", ""),
            ("0", "0"),
            ("0", "0000"),
            ("0", "1000"),
            ("0", "x000/001"),
            ("0", "001/002"),
            ("0", "x001/x002"),
            ("0", "x001/+02"),
            ("0", "000.p/0"),
            ("0", "000.p/01"),
            ("0", "000.p/256"),
            ("0", "000.p/"),
            ("0", "000.p/1.p/1"),
            ("0", "x018/x446/x744/x073/x709/x551/616"),
        ] {
            assert_eq!(Tile::parse(level, rest), None, "{level}/{rest}");
        }
    }

    #[test]
    fn a_tree_has_the_tiles_of_the_specification() {
        let has = |level, index, width| Tile { content: Content::Hashes(level), index, width }.is_in(70_000);
        assert!(has(0, 272, 256) && has(0, 273, 112) && !has(0, 273, 113) && !has(0, 273, 256));
        assert!(has(1, 0, 256) && has(1, 1, 17) && !has(1, 1, 18));
        assert!(has(2, 0, 1) && !has(2, 0, 2) && !has(3, 0, 1) && !has(8, 0, 1) && !has(63, 0, 1));
        assert!(!has(0, u64::MAX, 1));
        let whole = Tile { content: Content::Hashes(1), index: 0, width: 1 };
        assert!(whole.is_in(256) && !whole.is_in(255));
        assert!(Tile { content: Content::Entries, index: 273, width: 112 }.is_in(70_000));
    }
}
