//! Lists: a page of records, and an opaque cursor to the next one.
//!
//! A cursor names the last record that was shown, so a page neither repeats nor skips what was there before, however much
//! is added meanwhile.

use orderwire_domain::views::table::{ColumnKind, Record, Value};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::{problem::Problem, request::Look};
use crate::engine::{
    leaf::hex,
    log::{Filter, Select},
    query,
};

/// Most records of one page.
pub const LIMIT_MAX: u64 = 500;
/// Records of a page where the caller does not say.
const LIMIT: u64 = 50;
/// The parameters of every list.
pub const PARAMETERS: [&str; 2] = ["limit", "cursor"];

/// A page of records.
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// A page as it is sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed<T> {
    /// What there is.
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page with every record as it is sent.
    pub fn listed<B>(self, body: impl FnMut(T) -> B) -> Listed<B> {
        Listed { items: self.items.into_iter().map(body).collect(), next: self.next }
    }
}

/// The page that a request asks for, in the order of a column.
pub async fn of<T: Record>(
    look: &Look,
    filters: Vec<Filter>,
    order: &'static str,
    descending: bool,
) -> Result<Page<T>, Problem> {
    look.ready(T::TABLE).await?;
    let (limit, after) = (limit(look)?, after::<T>(look, order)?);
    // One more than asked for tells whether there is a next page.
    let select = Select { table: T::TABLE, filters, order, descending, after, limit: limit + 1 };
    let mut items: Vec<T> = query::select(look.app.engine.log(), &select).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| after_record(last, order));
    Ok(Page { items, next })
}

/// How many records the caller wants on a page.
pub fn limit(look: &Look) -> Result<usize, Problem> {
    let limit = look.whole("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// A place in a list, as a cursor that callers need not understand.
pub fn opaque(place: &impl Serialize) -> String {
    hex(&serde_json::to_vec(place).expect("a place in a list has string keys only"))
}

/// The place that the caller's cursor names.
pub fn cursor<P: DeserializeOwned>(look: &Look) -> Result<Option<P>, Problem> {
    let Some(cursor) = look.text("cursor") else { return Ok(None) };
    // What is no cursor is refused as such below, whatever is wrong with it.
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = cursor.as_bytes().chunks(2).map(digits).collect();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    // No key has a NUL, and not every store takes one.
    let place =
        text.filter(|text| !text.contains("\\u0000")).and_then(|text| serde_json::from_str(&text).ok());
    place.map(Some).ok_or_else(unknown)
}

fn unknown() -> Problem {
    let detail = "it is none that an answer had";
    Problem::parameter("cursor", "cursor_invalid", detail, "the `next` of a page of this list")
}

fn after_record<T: Record>(last: &T, order: &str) -> String {
    let column = T::TABLE.columns.iter().position(|column| column.name == order);
    let value = column.and_then(|column| last.columns().into_iter().nth(column));
    match value.unwrap_or_else(|| last.key().into()) {
        Value::Integer(value) => opaque(&(value, last.key())),
        Value::Text(value) => opaque(&(value, last.key())),
        Value::Null => opaque(&((), last.key())),
    }
}

/// The record behind which the caller's page begins.
fn after<T: Record>(look: &Look, order: &str) -> Result<Option<(Value, String)>, Problem> {
    let Some((value, key)) = cursor::<(serde_json::Value, String)>(look)? else { return Ok(None) };
    let value = match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Number(number) => Value::Integer(number.as_i64().ok_or_else(unknown)?),
        serde_json::Value::String(text) => Value::Text(text),
        _ => return Err(unknown()),
    };
    let column = T::TABLE.columns.iter().find(|column| column.name == order);
    let kind = column.map_or(ColumnKind::Text, |column| column.kind);
    let fits = match value {
        Value::Null => column.is_some(),
        Value::Integer(_) => kind == ColumnKind::Integer,
        Value::Text(_) => kind == ColumnKind::Text,
    };
    if fits { Ok(Some((value, key))) } else { Err(unknown()) }
}
