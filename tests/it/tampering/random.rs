//! Any byte of any column of any event, and any way to move rows: each is found at the first row that is wrong.

use std::hash::{BuildHasher as _, RandomState};

use orderwire::audit::verify::{Plan, verify};

use super::*;

/// How many are tried unless `ORDERWIRE_TAMPERINGS` says otherwise.
const TAMPERINGS: u64 = 100;

/// Numbers that look random; the seed is printed.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn set(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// The rows of events, in the hands of whoever meddles. What the store itself refuses is not done: `None`.
pub trait Rows {
    async fn run(&mut self, sql: &str) -> Option<usize>;

    /// A column of an event, as text.
    async fn text(&mut self, column: &str, at: u64) -> String;

    /// Bytes, as the store's SQL writes them.
    fn bytes(bytes: &[u8]) -> String;
}

impl Rows for Connection {
    async fn run(&mut self, sql: &str) -> Option<usize> {
        Some(self.execute(sql, []).unwrap_or_else(|error| panic!("{sql}: {error}")))
    }

    async fn text(&mut self, column: &str, at: u64) -> String {
        let sql = format!("SELECT {column} FROM events WHERE position = {at}");
        self.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    fn bytes(bytes: &[u8]) -> String {
        format!("x'{}'", orderwire::engine::leaf::hex(bytes))
    }
}

/// Where rows are put aside.
const ASIDE: u64 = 1_000_000_000;

/// All columns but the position and the sequence.
const REST: &str =
    "log_id, aggregate_type, aggregate_id, event_type, event_version, payload, metadata, recorded_at, leaf";

/// Something done to the rows; answers what was done and the first position that is wrong.
pub async fn meddle<R: Rows>(rows: &mut R, numbers: &mut Numbers, end: u64) -> (String, u64) {
    let at = 1 + numbers.below(end);
    let other = 1 + numbers.below(end);
    let (done, what, position) = match numbers.below(8) {
        0 => (format!("DELETE FROM events WHERE position = {at}"), format!("{at} was deleted"), at),
        1 => (format!("DELETE FROM events WHERE position >= {at}"), format!("cut off from {at}"), at),
        2 if at != other => (
            format!(
                "UPDATE events SET position = {ASIDE} WHERE position = {at};
                 UPDATE events SET position = {at} WHERE position = {other};
                 UPDATE events SET position = {other} WHERE position = {ASIDE}"
            ),
            format!("{at} and {other} were swapped"),
            at.min(other),
        ),
        // A row slipped in moves all that follow.
        3 => (
            format!(
                "UPDATE events SET position = position + {ASIDE} WHERE position >= {at};
                 UPDATE events SET position = position - {ASIDE} + 1 WHERE position >= {ASIDE};
                 INSERT INTO events (position, sequence, {REST}) SELECT {at}, sequence + 1000000, {REST} FROM events
                 WHERE position = {}",
                at + 1
            ),
            format!("slipped in at {at}"),
            at,
        ),
        // The proof of another event.
        4 if at != other => (
            format!(
                "UPDATE events SET leaf = (SELECT leaf FROM events WHERE position = {other}) WHERE position = {at}"
            ),
            format!("{at} has the leaf of {other}"),
            at,
        ),
        5 => {
            let by = 1 + numbers.below(1_000_000_000);
            (
                format!("UPDATE events SET recorded_at = recorded_at - {by} WHERE position = {at}"),
                format!("{at} was dated back by {by}"),
                at,
            )
        }
        _ => return change(rows, numbers, at).await,
    };
    for sql in done.split(';') {
        assert!(rows.run(sql).await.is_some_and(|changed| changed > 0), "{what}: {sql}");
    }
    (what, position)
}

/// Changes a byte of a text, or a number, or the leaf of an event.
async fn change<R: Rows>(rows: &mut R, numbers: &mut Numbers, at: u64) -> (String, u64) {
    const TEXTS: [&str; 5] = ["aggregate_id", "event_type", "event_version", "payload", "metadata"];
    const NUMBERS: [&str; 2] = ["sequence", "recorded_at"];
    let column = usize::try_from(numbers.below(8)).unwrap();
    let mut place = usize::try_from(numbers.below(1_000)).unwrap();
    let set =
        |column: &str, value: &str| format!("UPDATE events SET {column} = {value} WHERE position = {at}");
    if let Some(column) = TEXTS.get(column) {
        let text = rows.text(column, at).await.into_bytes();
        // Where the store has it otherwise than as a text, some bytes can only be what they are: the next one, then.
        for _ in 0..text.len() {
            place = (place + 1) % text.len();
            let mut changed = text.clone();
            changed[place] = if changed[place] == b'7' { b'8' } else { b'7' };
            let value = String::from_utf8_lossy(&changed).replace('\'', "''");
            if rows.run(&set(column, &format!("'{value}'"))).await == Some(1) {
                return (format!("{column} of {at} was changed"), at);
            }
        }
        panic!("no byte of {column} of {at} can be changed");
    }
    let (column, value) = if let Some(column) = NUMBERS.get(column - TEXTS.len()) {
        (*column, format!("{column} + {}", place + 100_000))
    } else {
        let bytes: Vec<u8> = (0..32).map(|_| u8::try_from(numbers.below(256)).unwrap()).collect();
        ("leaf", R::bytes(&bytes))
    };
    assert_eq!(rows.run(&set(column, &value)).await, Some(1), "{column}");
    (format!("{column} of {at} was changed"), at)
}

/// How many are tried, and from where the numbers go; said, so that it can be repeated.
pub fn size_and_seed() -> (u64, u64) {
    let seed = set("ORDERWIRE_SEED").unwrap_or_else(|| RandomState::new().hash_one(1) | 1);
    println!("ORDERWIRE_SEED={seed} says the same again");
    (set("ORDERWIRE_TAMPERINGS").unwrap_or(TAMPERINGS), seed)
}

#[tokio::test]
async fn random_tampering_is_found_at_the_first_row_that_is_wrong() {
    let (count, seed) = size_and_seed();
    let mut numbers = Numbers(seed);
    let original = Original::made().await;
    let copy = original.copy();
    let engine = copy.engine().await;
    let mut connection = copy.connection();
    connection.execute("CREATE TEMP TABLE kept AS SELECT * FROM events", []).unwrap();
    for round in 0..count {
        let (meddling, position) = meddle(&mut connection, &mut numbers, original.len()).await;
        let found = verify(&engine, &Plan::default(), |_| ()).await.unwrap().finding;
        let found = found.unwrap_or_else(|| panic!("{seed}, {round}: nobody sees that {meddling}"));
        assert_eq!(found.position, Some(position), "{seed}, {round}: {meddling}: {found}");
        connection.execute("DELETE FROM events", []).unwrap();
        connection.execute("INSERT INTO events SELECT * FROM kept", []).unwrap();
    }
    assert_eq!(verify(&engine, &Plan::default(), |_| ()).await.unwrap().finding, None);
    engine.close().await;
}
