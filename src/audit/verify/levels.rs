//! The inner hashes that the store keeps, compared with those that follow from the leaves.

use super::{Finding, Stop};
use crate::engine::{
    Engine, Error,
    leaf::{Frontier, Hash},
    log::{Position, StoreError},
    tiles::TILE_WIDTH,
};

/// The tiles that are being filled, one per level; what is whole waits to be compared.
#[derive(Default)]
pub struct Levels {
    filling: Vec<Frontier>,
    /// Level, index and hash.
    whole: Vec<(u8, u64, Hash)>,
}

impl Levels {
    /// Takes the next leaf. Only of what begins with a tile anything can be said.
    pub fn push(&mut self, position: Position, leaf: Hash) {
        let (mut hash, mut number) = (leaf, position);
        for level in 1_u8.. {
            let place = usize::from(level - 1);
            if self.filling.len() == place {
                self.filling.push(Frontier::default());
            }
            let tile = &mut self.filling[place];
            let first = (number - 1) % TILE_WIDTH;
            if first == tile.leaves() {
                tile.push(hash);
            }
            if first + 1 < TILE_WIDTH {
                return;
            }
            let filled = std::mem::take(tile);
            if filled.leaves() < TILE_WIDTH {
                // It was begun before anything was followed.
                return;
            }
            number /= TILE_WIDTH;
            hash = filled.root();
            self.whole.push((level, number - 1, hash));
        }
    }

    /// Compares what is whole by now.
    pub async fn compare(&mut self, engine: &Engine) -> Result<(), Stop> {
        for (level, index, hash) in self.whole.drain(..) {
            let stored = match engine.tile_hashes(level, index, 1).await {
                Ok(stored) => stored.first() == Some(&hash),
                Err(Error::Store(StoreError::Corrupt(_))) => false,
                Err(error) => return Err(error.into()),
            };
            if !stored {
                let width = TILE_WIDTH.pow(u32::from(level));
                let detail = format!("hash {index} of level {level} of the tiles is not that of its events");
                return Err(Finding::among(index * width + 1, (index + 1) * width, "tile", detail).into());
            }
        }
        Ok(())
    }
}
