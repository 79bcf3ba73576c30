//! Lists: a page of records, and an opaque cursor to the next one.
//!
//! A cursor names the last record that was shown, so a page neither repeats nor skips what was there before, however much
//! is added meanwhile.

use orderwire_domain::views::table::{Record, Value};
use serde::Serialize;
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
    let limit = limit(look)?;
    let after = look.text("cursor").map(read).transpose()?;
    // One more than asked for tells whether there is a next page.
    let select = Select { table: T::TABLE, filters, order, descending, after, limit: limit + 1 };
    let mut items: Vec<T> = query::select(look.app.engine.log(), &select).await?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| cursor(last, order));
    Ok(Page { items, next })
}

/// How many records the caller wants at once.
pub fn limit(look: &Look) -> Result<usize, Problem> {
    let limit = look.whole("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

fn cursor<T: Record>(last: &T, order: &str) -> String {
    let column = T::TABLE.columns.iter().position(|column| column.name == order);
    let value = column.and_then(|column| last.columns().into_iter().nth(column));
    written(&value.unwrap_or_else(|| last.key().into()), &last.key())
}

/// The cursor behind a record of this key, by its value in the column of the order.
pub fn written(value: &Value, key: &str) -> String {
    let place = match value {
        Value::Integer(value) => serde_json::json!([value, key]),
        Value::Text(value) => serde_json::json!([value, key]),
        Value::Null => serde_json::json!([null, key]),
    };
    hex(place.to_string().as_bytes())
}

/// What a cursor says.
pub fn read(cursor: &str) -> Result<(Value, String), Problem> {
    let value = || -> Option<(Value, String)> {
        let bytes: Option<Vec<u8>> = cursor
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let (value, key): (serde_json::Value, String) = serde_json::from_slice(&bytes?).ok()?;
        let value = match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Number(number) => Value::Integer(number.as_i64()?),
            serde_json::Value::String(text) => Value::Text(text),
            _ => return None,
        };
        Some((value, key))
    };
    value().ok_or_else(|| {
        let detail = "it is none that an answer had";
        Problem::parameter("cursor", "cursor_invalid", detail, "the `next` of a page of this list")
    })
}
