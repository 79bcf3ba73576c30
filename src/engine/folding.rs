//! Folding a page of facts on rows of a store: what is not at hand is fetched in as few rounds as it takes.
//!
//! Which table stands for which is the caller's: a read model that is built beside the live one is folded on other tables
//! by the same code. Absent: checkpoints and who writes the changes.

use std::collections::{BTreeMap, BTreeSet};

use orderwire_domain::{
    fact::Fact,
    views::{
        fold::{Fault, Fold},
        overlay::Overlay,
        table::{Need, Row, Table},
    },
};

use super::{
    error::Error,
    log::{RowChange, SharedLog, StoreError},
};

/// Why a page was not folded.
pub(crate) enum FoldError {
    /// The fold met what cannot be.
    Broken(String),
    /// Rows could not be fetched.
    Other(Error),
}

/// Folds a page. `table` says which table of the store a table of the fold is read from.
pub(crate) async fn fold_page(
    log: &SharedLog,
    fold: Fold,
    overlay: &mut Overlay,
    facts: &[Fact],
    table: impl Fn(&str) -> Option<&'static Table> + Sync,
) -> Result<Vec<RowChange>, FoldError> {
    let mut rest = facts;
    while !rest.is_empty() {
        let progress = overlay.fold_page(fold, rest).map_err(|fault| match fault {
            Fault::Broken(why) => FoldError::Broken(why),
            Fault::Need(need) => FoldError::Broken(format!("{need:?} was asked for outside a page")),
        })?;
        rest = &rest[progress.folded..];
        for (need, rows) in fetch(log, &table, progress.needs).await.map_err(FoldError::Other)? {
            overlay.supply(&need, rows);
        }
    }
    let changes = overlay.take_changes().into_iter().map(|(table, key, row)| match row {
        Some(row) => RowChange::Put(table, row),
        None => RowChange::Delete(table, key),
    });
    Ok(changes.collect())
}

/// Fetches what folds need, with one question per table and kind of need.
async fn fetch(
    log: &SharedLog,
    table: impl Fn(&str) -> Option<&'static Table>,
    needs: BTreeSet<Need>,
) -> Result<Vec<(Need, Vec<Row>)>, Error> {
    let mut keys: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut parents: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for need in needs {
        match need {
            Need::Key(table, key) => keys.entry(table).or_default().push(key),
            Need::Parent(table, parent) => parents.entry(table).or_default().push(parent),
        }
    }
    let unknown = |name: &str| {
        StoreError::Unsupported(format!("a fold asks for table `{name}`, which it does not own"))
    };
    let mut fetched = Vec::new();
    for (name, keys) in keys {
        let rows = log.rows(table(name).ok_or_else(|| unknown(name))?, &keys).await?;
        let mut by_key: BTreeMap<String, Row> = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        fetched.extend(keys.into_iter().map(|key| {
            let row = by_key.remove(&key);
            (Need::Key(name, key), row.into_iter().collect())
        }));
    }
    for (name, parents) in parents {
        let rows = log.children(table(name).ok_or_else(|| unknown(name))?, &parents).await?;
        let mut by_parent: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            by_parent.entry(row.parent.clone()).or_default().push(row);
        }
        fetched.extend(parents.into_iter().map(|parent| {
            let rows = by_parent.remove(&parent).unwrap_or_default();
            (Need::Parent(name, parent), rows)
        }));
    }
    Ok(fetched)
}
