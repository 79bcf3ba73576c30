//! A look into a table answers the same on every store: byte order, nulls smallest, ties by key.

use orderwire_domain::views::table::{Row, Value};

use super::{
    Outcome,
    readers::{SHELF, row},
};
use crate::engine::log::{Comparison, Filter, RowChange, Select, SharedLog, StoreError};

/// Ties, nulls, and letters whose order depends on whether bytes or a language decide.
const STOCK: [(&str, &str, Option<&str>, Option<i64>); 8] = [
    ("a", "p", Some("x"), Some(3)),
    ("B", "p", Some("x"), Some(3)),
    ("c", "p", Some("x"), None),
    ("D", "q", Some("Y"), Some(-7)),
    ("é", "q", None, Some(3)),
    ("f", "q", Some("x"), Some(9)),
    ("g", "r", Some("Y"), None),
    ("z", "r", Some(""), Some(0)),
];

async fn stock(log: &SharedLog) -> Result<Vec<Row>, StoreError> {
    log.create_tables(&[&SHELF]).await?;
    let rows: Vec<Row> =
        STOCK.iter().map(|(key, parent, order, due)| row(key, parent, *order, *due)).collect();
    let changes: Vec<RowChange> = rows.iter().map(|row| RowChange::Put(&SHELF, row.clone())).collect();
    log.change_rows(&changes, None).await?;
    Ok(rows)
}

fn look(order: &'static str, descending: bool) -> Select {
    Select { table: &SHELF, filters: Vec::new(), order, descending, after: None, limit: 100 }
}

fn filter(column: &'static str, comparison: Comparison, value: impl Into<Value>) -> Filter {
    Filter { column, comparison, value: value.into() }
}

fn keys(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.key.as_str()).collect()
}

fn texts(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// In the order of keys, each once, without those that are not there.
pub async fn rows_are_found_by_key_and_by_parent(log: SharedLog) -> Outcome {
    let rows = stock(&log).await?;
    let found = log.rows(&SHELF, &texts(&["z", "D", "never", "a", "a"])).await?;
    assert_eq!(found, [rows[3].clone(), rows[0].clone(), rows[7].clone()]);
    let found = log.children(&SHELF, &texts(&["r", "p", "never"])).await?;
    assert_eq!(keys(&found), ["B", "a", "c", "g", "z"]);
    assert_eq!(log.rows(&SHELF, &[]).await?, []);
    assert_eq!(log.children(&SHELF, &[]).await?, []);
    Ok(())
}

/// Every comparison on every kind of column, alone and together.
pub async fn filters_compare_as_values_do(log: SharedLog) -> Outcome {
    use Comparison::{AtLeast, AtMost, Equal};
    stock(&log).await?;
    let expectations: &[(&[Filter], &[&str])] = &[
        (&[], &["B", "D", "a", "c", "f", "g", "z", "é"]),
        (&[filter("due", Equal, 3)], &["B", "a", "é"]),
        (&[filter("due", AtLeast, 3)], &["B", "a", "f", "é"]),
        (&[filter("due", AtMost, 0)], &["D", "z"]),
        (&[filter("order", Equal, "")], &["z"]),
        (&[filter("order", AtLeast, "Y")], &["B", "D", "a", "c", "f", "g"]),
        (&[filter("order", AtMost, "Z")], &["D", "g", "z"]),
        (&[filter("key", AtLeast, "a"), filter("key", AtMost, "f")], &["a", "c", "f"]),
        (&[filter("parent", Equal, "q"), filter("due", AtLeast, 0)], &["f", "é"]),
        (&[filter("order", Equal, "x"), filter("due", AtMost, 3)], &["B", "a"]),
        (&[filter("order", Equal, "'; --")], &[]),
    ];
    for (filters, expected) in expectations {
        let select = Select { filters: filters.to_vec(), ..look("key", false) };
        assert_eq!(keys(&log.select(&select).await?), *expected, "{filters:?}");
        assert_eq!(log.count(&SHELF, filters).await?, expected.len() as u64, "{filters:?}");
    }
    Ok(())
}

/// Nothing is equal to nothing, and nothing is beyond it.
pub async fn a_null_matches_nothing(log: SharedLog) -> Outcome {
    stock(&log).await?;
    for comparison in [Comparison::Equal, Comparison::AtLeast, Comparison::AtMost] {
        let filters = vec![filter("due", comparison, Value::Null)];
        assert_eq!(log.count(&SHELF, &filters).await?, 0);
        assert_eq!(log.select(&Select { filters, ..look("key", false) }).await?, []);
    }
    Ok(())
}

/// Up and down, nulls smallest, ties by key in the same direction.
pub async fn rows_come_in_order_both_ways(log: SharedLog) -> Outcome {
    stock(&log).await?;
    let expectations: &[(&'static str, &[&str])] = &[
        ("key", &["B", "D", "a", "c", "f", "g", "z", "é"]),
        ("parent", &["B", "a", "c", "D", "f", "é", "g", "z"]),
        ("due", &["c", "g", "D", "z", "B", "a", "é", "f"]),
        ("order", &["é", "z", "D", "g", "B", "a", "c", "f"]),
    ];
    for (column, expected) in expectations {
        let up = log.select(&look(column, false)).await?;
        assert_eq!(keys(&up), *expected, "by {column}");
        let mut down = log.select(&look(column, true)).await?;
        down.reverse();
        assert_eq!(keys(&down), *expected, "by {column}, largest first");
    }
    // The documents alone, of several looks at once, are those of the same rows.
    let looks = [look("due", false), look("key", true), Select { limit: 0, ..look("key", false) }];
    let docs = log.docs(&looks).await?;
    assert_eq!(docs.len(), looks.len());
    for (look, docs) in looks.iter().zip(docs) {
        let rows = log.select(look).await?;
        assert_eq!(docs, rows.into_iter().map(|row| row.doc).collect::<Vec<_>>());
    }
    let two = log.select(&Select { limit: 2, ..look("due", true) }).await?;
    assert_eq!(keys(&two), ["f", "é"]);
    Ok(())
}

/// Page after page, of every size, in every order: the same rows as in one look.
pub async fn pages_of_a_select_hold_every_row_once(log: SharedLog) -> Outcome {
    stock(&log).await?;
    let wide = vec![filter("due", Comparison::AtLeast, -100)];
    for order in ["key", "parent", "due", "order"] {
        for (descending, filters) in
            [(false, vec![]), (true, vec![]), (false, wide.clone()), (true, wide.clone())]
        {
            let whole = log.select(&Select { filters: filters.clone(), ..look(order, descending) }).await?;
            for limit in 1..4 {
                let mut paged: Vec<Row> = Vec::new();
                loop {
                    let after = paged.last().map(|row| (place(row, order), row.key.clone()));
                    let filters = filters.clone();
                    let page =
                        log.select(&Select { filters, after, limit, ..look(order, descending) }).await?;
                    assert!(page.len() <= limit);
                    if page.is_empty() {
                        break;
                    }
                    paged.extend(page);
                    assert!(paged.len() <= whole.len(), "a row came twice: {:?}", keys(&paged));
                }
                assert_eq!(keys(&paged), keys(&whole), "{limit} by {order}, descending: {descending}");
            }
        }
    }
    Ok(())
}

fn place(row: &Row, order: &str) -> Value {
    match order {
        "key" => row.key.as_str().into(),
        "parent" => row.parent.as_str().into(),
        "order" => row.columns[0].clone(),
        _ => row.columns[1].clone(),
    }
}
