//! An overlay against rows that are simply kept.

use proptest::prelude::*;

use super::{
    super::{
        fold::{Fault, Fold},
        memory::MemoryRows,
        overlay::{NotFolded, Overlay, Source},
        table::{Held, Need, Row, Rows, Table, Value, integer},
    },
    orders::{acknowledged, created},
};
use crate::fact::Fact;

static THINGS: Table = Table { name: "things", columns: &[integer("size")], indexes: &[] };

fn row(key: &str, parent: &str, size: i64) -> Row {
    Row { key: key.into(), parent: parent.into(), columns: vec![Value::Integer(size)], doc: "{}".into() }
}

fn put(rows: &mut dyn Rows, row: Row) {
    rows.put(&THINGS, row.key.clone(), row.parent.clone(), Held::Row(row));
}

fn children(rows: &mut dyn Rows, parent: &str) -> Vec<Row> {
    rows.children(&THINGS, parent).unwrap().into_iter().map(Held::to_row).collect()
}

/// Puts two rows, changes the first, and is interrupted unless `c` is at hand.
fn steps(rows: &mut dyn Rows, _: &Fact) -> Result<(), Fault> {
    put(rows, row("a", "p", 1));
    put(rows, row("b", "p", 1));
    put(rows, row("a", "q", 2));
    let size = rows.get(&THINGS, "c")?.map_or(0, |_| 1);
    put(rows, row("d", "p", size));
    Ok(())
}

#[test]
fn nothing_remains_of_an_interrupted_fact() {
    let mut overlay = Overlay::new();
    let need = Need::Key("things", "c".into());
    overlay.supply(&Need::Parent("things", "p".into()), vec![row("a", "p", 7)]);
    assert_eq!(overlay.fold(steps, &created(1)), Err(Fault::Need(need.clone())));
    assert_eq!(children(&mut overlay, "p"), [row("a", "p", 7)]);
    assert_eq!(overlay.take_changes(), []);
    assert_eq!(overlay.take_needs(), [need.clone()].into());

    overlay.supply(&need, vec![]);
    overlay.fold(steps, &created(1)).unwrap();
    assert_eq!(children(&mut overlay, "p").len(), 2);
    let changed: Vec<_> =
        overlay.take_changes().into_iter().map(|(_, key, row)| (key, row.is_some())).collect();
    assert_eq!(changed, [("a".to_owned(), true), ("b".to_owned(), true), ("d".to_owned(), true)]);
    assert_eq!(overlay.take_changes(), []);
}

#[test]
fn a_row_that_is_as_before_is_no_change() {
    let mut overlay = Overlay::new();
    overlay.supply(&Need::Key("things", "a".into()), vec![row("a", "p", 1)]);
    put(&mut overlay, row("a", "q", 2));
    put(&mut overlay, row("a", "p", 1));
    overlay.delete(&THINGS, "never asked for");
    assert_eq!(overlay.take_changes(), [(&THINGS, "never asked for".to_owned(), None)]);
}

#[test]
fn what_was_changed_is_newer_than_what_is_fetched() {
    let mut overlay = Overlay::new();
    put(&mut overlay, row("a", "p", 2));
    overlay.delete(&THINGS, "b");
    overlay.supply(
        &Need::Parent("things", "p".into()),
        vec![row("a", "p", 1), row("b", "p", 1), row("c", "p", 1)],
    );
    let found = children(&mut overlay, "p");
    assert_eq!(found, [row("a", "p", 2), row("c", "p", 1)]);
}

#[test]
fn a_page_asks_for_everything_it_is_known_to_need_at_once() {
    let mut overlay = Overlay::new();
    let progress =
        overlay.fold_page(super::super::fold_orders, &[acknowledged(1, 7), acknowledged(2, 8)]).unwrap();
    assert_eq!((progress.folded, progress.needs.len()), (0, 2));
}

/// It answers nothing.
struct Gone;

impl Source for Gone {
    type Error = &'static str;

    fn answer(&self, _: &Need) -> Result<Vec<Row>, &'static str> {
        Err("gone")
    }
}

#[test]
fn a_source_that_does_not_answer_is_told_from_rows_that_are_broken() {
    let mut overlay = Overlay::new();
    let folded = overlay.fold_from(&Gone, steps, &created(1));
    assert!(matches!(folded, Err(NotFolded::Source("gone"))), "{folded:?}");
    overlay.supply(&Need::Key("things", "c".into()), vec![]);
    let broken: Fold = |rows, _| match rows.get(&THINGS, "c")? {
        None => Err(Fault::Broken("no c".into())),
        Some(_) => Ok(()),
    };
    let folded = overlay.fold_from(&Gone, broken, &acknowledged(7, 1));
    assert!(matches!(&folded, Err(NotFolded::Broken(7, why)) if why == "no c"), "{folded:?}");
}

proptest! {
    #[test]
    fn an_overlay_over_a_store_is_the_store(
        steps in prop::collection::vec((0u8..4, 0u8..6, 0u8..3, 0i64..3), 0..60)
    ) {
        let mut plain = MemoryRows::default();
        let mut stored = MemoryRows::default();
        let mut overlay = Overlay::new();
        for (what, key, parent, size) in steps {
            let (key, parent) = (format!("k{key}"), format!("p{parent}"));
            match what {
                0 => {
                    plain.delete(&THINGS, &key);
                    overlay.delete(&THINGS, &key);
                }
                1 => stored.keep(overlay.take_changes()),
                2 => {
                    let need = Need::Parent("things", parent.clone());
                    overlay.supply(&need, stored.answer(&need));
                    prop_assert_eq!(children(&mut overlay, &parent), children(&mut plain, &parent));
                }
                _ => {
                    put(&mut plain, row(&key, &parent, size));
                    put(&mut overlay, row(&key, &parent, size));
                }
            }
            let need = Need::Key("things", key.clone());
            overlay.supply(&need, stored.answer(&need));
            prop_assert_eq!(overlay.get(&THINGS, &key), plain.get(&THINGS, &key));
        }
        stored.keep(overlay.take_changes());
        prop_assert_eq!(stored.table(&THINGS), plain.table(&THINGS));
    }
}
