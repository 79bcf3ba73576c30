//! Rows for a while: tables that nobody else sees and that go away, for whoever folds beside a store.
//!
//! They are in a temporary file where there is `SQLite`, so that memory stays flat, and else in memory.

#[cfg(not(feature = "sqlite"))]
pub use super::memory::Scratch;
#[cfg(feature = "sqlite")]
pub use super::sqlite::Scratch;

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use orderwire_domain::views::{
        memory::MemoryRows,
        overlay::Source as _,
        table::{Held, Need, Row, Rows as _, Table, Value, integer},
    };
    use proptest::prelude::*;

    use crate::{
        engine::log::RowChange,
        stores::{memory, sqlite},
    };

    static SHELF: Table = Table { name: "shelf", columns: &[integer("due")], indexes: &[&["due"]] };
    static OTHER: Table = Table { name: "other", columns: &[], indexes: &[] };

    macro_rules! check_like_rows_in_a_map {
        ($scratch:ty, $steps:expr) => {
            let scratch = <$scratch>::new(&[&SHELF]).unwrap();
            let mut plain = MemoryRows::default();
            for (what, key, parent, due) in $steps {
                let (key, parent) = (format!("k{key}"), format!("p{parent}"));
                if what == 0 {
                    scratch.change([RowChange::Delete(&SHELF, key.clone())]).unwrap();
                    plain.delete(&SHELF, &key);
                } else {
                    let (columns, doc) = (vec![Value::Integer(due)], format!("{{\"due\":{due}}}"));
                    let row = Row { key: key.clone(), parent: parent.clone(), columns, doc };
                    scratch.change([RowChange::Put(&SHELF, row.clone())]).unwrap();
                    plain.put(&SHELF, key.clone(), parent.clone(), Held::Row(row));
                }
                for need in [Need::Key("shelf", key.clone()), Need::Parent("shelf", parent)] {
                    prop_assert_eq!(scratch.answer(&need).unwrap(), plain.answer(&need), "{:?}", need);
                }
                let behind: Vec<Row> =
                    plain.table(&SHELF).into_values().filter(|row| row.key > key).take(2).collect();
                prop_assert_eq!(scratch.page(&SHELF, Some(&key), 2).unwrap(), behind);
            }
            let all: Vec<Row> = plain.table(&SHELF).into_values().collect();
            prop_assert_eq!(scratch.page(&SHELF, None, 100).unwrap(), all);
            prop_assert!(scratch.answer(&Need::Key("other", "k".to_owned())).is_err());
            prop_assert!(scratch.change([RowChange::Delete(&OTHER, "k".to_owned())]).is_err());
        };
    }

    proptest! {
        #[test]
        fn scratch_tables_are_rows_by_key_and_by_parent(
            steps in prop::collection::vec((0u8..3, 0u8..6, 0u8..3, 0i64..3), 0..40)
        ) {
            check_like_rows_in_a_map!(sqlite::Scratch, steps.clone());
            check_like_rows_in_a_map!(memory::Scratch, steps);
        }
    }
}
