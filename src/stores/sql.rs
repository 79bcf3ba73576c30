//! The SQL of read models, written once for every SQL store.
//!
//! Parameters are `$1`, `$2` … and first appear in that order, which is what makes `SQLite` number them as `PostgreSQL`
//! does. Deliberately absent: the tables of the log itself, which each store lays out in its own migrations.

use std::{collections::BTreeMap, fmt::Write as _};

use orderwire_domain::{
    invalid::Invalid,
    views::table::{ColumnKind, Row, Table, Value},
};

use crate::engine::log::{Comparison, Filter, Select};

/// The log of a store. It stands in every key from the first migration, so that a store can hold several one day.
pub const LOG_ID: i64 = 0;

/// `PostgreSQL` cuts longer names, and two cut names could be the same.
const NAME_BYTES_MAX: usize = 63;

/// The name of a table that somebody typed: letters, digits and `_`, with its schema before a dot or without.
///
/// It means what it means in SQL without quotes, so capitals are small letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName(Vec<String>);

impl TableName {
    /// Its parts in quotes, for a statement.
    pub fn quoted(&self) -> String {
        self.0.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(".")
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0.join("."))
    }
}

impl std::str::FromStr for TableName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parts: Vec<String> = text.split('.').map(str::to_ascii_lowercase).collect();
        let fits = |part: &String| {
            (1..=NAME_BYTES_MAX).contains(&part.len())
                && !part.starts_with(|first: char| first.is_ascii_digit())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if parts.len() <= 2 && parts.iter().all(fits) {
            return Ok(Self(parts));
        }
        let expected =
            format!("TABLE or SCHEMA.TABLE, of letters, digits and _, {NAME_BYTES_MAX} at most each");
        Err(Invalid::new("table_name_invalid", "it is not the name of a table", expected))
    }
}

/// Where two databases want other words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `SQLite` 3.35 or later.
    Sqlite,
    /// `PostgreSQL` 14 or later, or a database that speaks its language.
    Postgres,
}

impl Dialect {
    /// A text that compares byte by byte.
    fn text(self) -> &'static str {
        match self {
            Self::Sqlite => "TEXT",
            Self::Postgres => "TEXT COLLATE \"C\"",
        }
    }

    /// An index serves an order only if it puts nulls where the order does: first, as `SQLite` always has them.
    fn nulls(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " NULLS FIRST",
        }
    }
}

/// What the name of a table ends in that is built beside another, to take its place.
pub const BESIDE: &str = "_beside";

/// The statements that create a table and its indexes, as far as they are missing. `present` has the table that each table
/// and index of the database belongs to.
///
/// A table that took the place of another kept the names of its indexes, since `SQLite` cannot rename them. So an index
/// has two names: the one that is not in use when it is made.
pub fn create_missing(table: &Table, present: &BTreeMap<String, String>, dialect: Dialect) -> Vec<String> {
    let text = dialect.text();
    let mut columns = format!("log_id BIGINT NOT NULL, key {text} NOT NULL, parent {text} NOT NULL");
    for column in table.columns {
        let kind = match column.kind {
            ColumnKind::Text => text,
            ColumnKind::Integer => "BIGINT",
        };
        write(&mut columns, format_args!(", {} {kind}", quoted(column.name)));
    }
    let name = quoted(table.name);
    let mut statements = Vec::new();
    if !present.contains_key(table.name) {
        let key = "PRIMARY KEY (log_id, key)";
        statements.push(format!("CREATE TABLE IF NOT EXISTS {name} ({columns}, doc TEXT NOT NULL, {key})"));
    }
    let base = table.name.strip_suffix(BESIDE).unwrap_or(table.name);
    let parent: &[&str] = &["parent"];
    for index in std::iter::once(&parent).chain(table.indexes) {
        let mut on = "log_id".to_owned();
        for column in *index {
            let nulls = if is_nullable(table, column) { dialect.nulls() } else { "" };
            write(&mut on, format_args!(", {}{nulls}", quoted(column)));
        }
        // The key last makes the order of ties part of the index.
        let key = if index.contains(&"key") { "" } else { ", key" };
        let names = ["", BESIDE].map(|ending| format!("{base}{ending}_by_{}", index.join("_")));
        if names.iter().any(|index| present.get(index).is_some_and(|of| of == table.name)) {
            continue;
        }
        if let Some(free) = names.iter().find(|index| !present.contains_key(*index)) {
            statements.push(format!("CREATE INDEX IF NOT EXISTS {} ON {name} ({on}{key})", quoted(free)));
        }
    }
    statements
}

/// Drops a table with its indexes where it exists.
pub fn drop_table(table: &Table) -> String {
    format!("DROP TABLE IF EXISTS {}", quoted(table.name))
}

/// Gives a table the name of another, which must be free.
pub fn rename_table(from: &Table, to: &Table) -> String {
    format!("ALTER TABLE {} RENAME TO {}", quoted(from.name), quoted(to.name))
}

/// The columns of a row, in the order in which every `SELECT` here lists them: key, parent, the table's own, doc.
pub fn columns(table: &Table) -> String {
    let mut columns = "key, parent".to_owned();
    for column in table.columns {
        write(&mut columns, format_args!(", {}", quoted(column.name)));
    }
    columns + ", doc"
}

/// Inserts a row, or puts it in place of the one with its key; one row is affected either way.
pub fn put(table: &Table, row: &Row) -> (String, Vec<Value>) {
    assert_eq!(row.columns.len(), table.columns.len(), "a value per column of {}", table.name);
    let mut changed = vec!["parent".to_owned()];
    changed.extend(table.columns.iter().map(|column| quoted(column.name)));
    changed.push("doc".to_owned());
    let parameters: Vec<String> = (1..=changed.len() + 2).map(|n| format!("${n}")).collect();
    let sets: Vec<String> = changed.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let sql = format!(
        "INSERT INTO {} (log_id, key, {}) VALUES ({}) ON CONFLICT (log_id, key) DO UPDATE SET {}",
        quoted(table.name),
        changed.join(", "),
        parameters.join(", "),
        sets.join(", ")
    );
    let mut values = vec![LOG_ID.into(), row.key.as_str().into(), row.parent.as_str().into()];
    values.extend(row.columns.iter().cloned());
    values.push(row.doc.as_str().into());
    (sql, values)
}

/// Removes the row of a key, if it is there.
pub fn delete(table: &Table, key: &str) -> (String, Vec<Value>) {
    let sql = format!("DELETE FROM {} WHERE log_id = $1 AND key = $2", quoted(table.name));
    (sql, vec![LOG_ID.into(), key.into()])
}

/// Removes every row.
pub fn clear(table: &Table) -> (String, Vec<Value>) {
    (format!("DELETE FROM {} WHERE log_id = $1", quoted(table.name)), vec![LOG_ID.into()])
}

/// A look into one table. Ties go by key in the direction of the order, and nulls count as smallest.
pub fn select(select: &Select) -> (String, Vec<Value>) {
    look(&columns(select.table), select, Vec::new())
}

/// The same for the documents alone, behind parameters that have these values.
pub fn docs(select: &Select, before: Vec<Value>) -> (String, Vec<Value>) {
    look("doc", select, before)
}

fn look(wanted: &str, select: &Select, before: Vec<Value>) -> (String, Vec<Value>) {
    let mut query = Query::over(select.table, &select.filters, before);
    let nullable = is_nullable(select.table, select.order);
    // A filter on the order column leaves no nulls, and without them an index alone finds the next page.
    let may_be_null = nullable && !select.filters.iter().any(|filter| filter.column == select.order);
    let order = quoted(select.order);
    if let Some((value, key)) = &select.after {
        query.after(&order, value, key, select.descending, may_be_null);
    }
    let (direction, nulls) = match (select.descending, nullable) {
        (false, true) => ("ASC", " NULLS FIRST"),
        (true, true) => ("DESC", " NULLS LAST"),
        (false, false) => ("ASC", ""),
        (true, false) => ("DESC", ""),
    };
    let tie = if select.order == "key" { String::new() } else { format!(", key {direction}") };
    let limit = query.parameter(i64::try_from(select.limit).unwrap_or(i64::MAX).into());
    let sql = format!(
        "SELECT {wanted} FROM {} WHERE {} ORDER BY {order} {direction}{nulls}{tie} LIMIT {limit}",
        quoted(select.table.name),
        query.conditions
    );
    (sql, query.values)
}

/// How many rows match.
pub fn count(table: &Table, filters: &[Filter]) -> (String, Vec<Value>) {
    let query = Query::over(table, filters, Vec::new());
    let sql = format!("SELECT count(*) FROM {} WHERE {}", quoted(table.name), query.conditions);
    (sql, query.values)
}

/// The conditions of a query and the values of their parameters, in step.
struct Query {
    conditions: String,
    values: Vec<Value>,
}

impl Query {
    fn over(table: &Table, filters: &[Filter], before: Vec<Value>) -> Self {
        let mut query = Self { conditions: String::new(), values: before };
        query.conditions = format!("log_id = {}", query.parameter(LOG_ID.into()));
        for filter in filters {
            assert!(has_column(table, filter.column), "{} has a column {}", table.name, filter.column);
            let comparison = match filter.comparison {
                Comparison::Equal => "=",
                Comparison::AtLeast => ">=",
                Comparison::AtMost => "<=",
            };
            if filter.value == Value::Null {
                query.require("1 = 0");
            } else {
                let value = query.parameter(filter.value.clone());
                query.require(&format!("{} {comparison} {value}", quoted(filter.column)));
            }
        }
        query
    }

    /// Only what comes after a row of this value and key.
    fn after(&mut self, order: &str, value: &Value, key: &str, descending: bool, may_be_null: bool) {
        let beyond = if descending { "<" } else { ">" };
        if *value == Value::Null {
            let key = self.parameter(key.into());
            let others = if descending { String::new() } else { format!(" OR {order} IS NOT NULL") };
            self.require(&format!("(({order} IS NULL AND key {beyond} {key}){others})"));
        } else {
            let (value, key) = (self.parameter(value.clone()), self.parameter(key.into()));
            // Nulls are smallest: they come last where the largest comes first.
            let others =
                if descending && may_be_null { format!(" OR {order} IS NULL") } else { String::new() };
            self.require(&format!("(({order}, key) {beyond} ({value}, {key}){others})"));
        }
    }

    fn require(&mut self, condition: &str) {
        write(&mut self.conditions, format_args!(" AND {condition}"));
    }

    fn parameter(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }
}

/// A name in SQL; quoted, so that a column may be called `order`.
pub fn quoted(name: &str) -> String {
    assert!(!name.contains('"') && name.len() <= NAME_BYTES_MAX, "`{name}` is a plain, short name");
    format!("\"{name}\"")
}

fn is_nullable(table: &Table, column: &str) -> bool {
    assert!(has_column(table, column), "{} has a column {column}", table.name);
    !matches!(column, "key" | "parent")
}

fn has_column(table: &Table, column: &str) -> bool {
    matches!(column, "key" | "parent") || table.columns.iter().any(|known| known.name == column)
}

fn write(sql: &mut String, more: std::fmt::Arguments<'_>) {
    sql.write_fmt(more).expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use orderwire_domain::views::table::{integer, text};

    use super::*;

    static SHELF: Table =
        Table { name: "shelf", columns: &[text("order"), integer("due")], indexes: &[&["order", "due"]] };

    #[test]
    fn a_table_has_an_index_for_its_parent_and_for_each_list_of_columns() {
        let nothing = BTreeMap::new();
        assert_eq!(
            create_missing(&SHELF, &nothing, Dialect::Sqlite),
            [
                "CREATE TABLE IF NOT EXISTS \"shelf\" (log_id BIGINT NOT NULL, key TEXT NOT NULL, parent TEXT NOT \
                 NULL, \"order\" TEXT, \"due\" BIGINT, doc TEXT NOT NULL, PRIMARY KEY (log_id, key))",
                "CREATE INDEX IF NOT EXISTS \"shelf_by_parent\" ON \"shelf\" (log_id, \"parent\", key)",
                "CREATE INDEX IF NOT EXISTS \"shelf_by_order_due\" ON \"shelf\" (log_id, \"order\", \"due\", key)",
            ]
        );
        let postgres = create_missing(&SHELF, &nothing, Dialect::Postgres);
        assert!(postgres[0].contains("\"order\" TEXT COLLATE \"C\", \"due\" BIGINT"));
        assert!(postgres[2].ends_with("(log_id, \"order\" NULLS FIRST, \"due\" NULLS FIRST, key)"));
    }

    #[test]
    fn an_index_has_the_name_that_is_not_in_use() {
        static BESIDE_IT: Table =
            Table { name: "shelf_beside", columns: SHELF.columns, indexes: SHELF.indexes };
        let present = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, of)| ((*name).to_owned(), (*of).to_owned())).collect()
        };
        let live = [("shelf", "shelf"), ("shelf_by_parent", "shelf"), ("shelf_by_order_due", "shelf")];
        assert_eq!(create_missing(&SHELF, &present(&live), Dialect::Sqlite), [""; 0]);
        let made = create_missing(&BESIDE_IT, &present(&live), Dialect::Sqlite);
        assert!(made[0].starts_with("CREATE TABLE") && made[1].contains("\"shelf_beside_by_parent\" ON"));

        // What was beside has taken the place, with its indexes.
        let swapped =
            [("shelf", "shelf"), ("shelf_beside_by_parent", "shelf"), ("shelf_beside_by_order_due", "shelf")];
        assert_eq!(create_missing(&SHELF, &present(&swapped), Dialect::Sqlite), [""; 0]);
        let made = create_missing(&BESIDE_IT, &present(&swapped), Dialect::Sqlite);
        assert!(made[1].contains("\"shelf_by_parent\" ON \"shelf_beside\""), "{made:?}");
    }

    #[test]
    fn a_page_continues_after_a_value_and_a_key() {
        let mut look = Select {
            table: &SHELF,
            filters: vec![Filter { column: "order", comparison: Comparison::Equal, value: "a".into() }],
            order: "due",
            descending: true,
            after: Some((Value::Integer(7), "k".into())),
            limit: 10,
        };
        let (sql, values) = select(&look);
        assert_eq!(
            sql,
            "SELECT key, parent, \"order\", \"due\", doc FROM \"shelf\" WHERE log_id = $1 AND \"order\" = $2 \
             AND ((\"due\", key) < ($3, $4) OR \"due\" IS NULL) ORDER BY \"due\" DESC NULLS LAST, key DESC LIMIT $5"
        );
        assert_eq!(values, [LOG_ID.into(), "a".into(), 7.into(), "k".into(), 10.into()]);

        look.filters.push(Filter { column: "due", comparison: Comparison::AtMost, value: 7.into() });
        assert!(select(&look).0.contains("AND ((\"due\", key) < ($4, $5)) ORDER BY"));
    }

    #[test]
    fn a_null_never_matches() {
        let filter = Filter { column: "due", comparison: Comparison::AtLeast, value: Value::Null };
        let (sql, values) = count(&SHELF, &[filter]);
        assert_eq!(sql, "SELECT count(*) FROM \"shelf\" WHERE log_id = $1 AND 1 = 0");
        assert_eq!(values, [LOG_ID.into()]);
    }
}
