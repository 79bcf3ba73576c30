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

/// Something done to the rows; answers what was done and the first position that is wrong.
fn meddle(connection: &Connection, numbers: &mut Numbers, end: u64) -> (String, u64) {
    const COLUMNS: &[&str] = &[
        "aggregate_id",
        "event_type",
        "event_version",
        "payload",
        "metadata",
        "sequence",
        "recorded_at",
        "leaf",
    ];
    let at = 1 + numbers.below(end);
    let other = 1 + numbers.below(end);
    let run = |sql: &str| connection.execute(sql, []).unwrap_or_else(|error| panic!("{sql}: {error}"));
    match numbers.below(8) {
        0 => {
            run(&format!("DELETE FROM events WHERE position = {at}"));
            (format!("{at} was deleted"), at)
        }
        1 => {
            run(&format!("DELETE FROM events WHERE position >= {at}"));
            (format!("cut off from {at}"), at)
        }
        2 if at != other => {
            for sql in [
                format!("UPDATE events SET position = -1 WHERE position = {at}"),
                format!("UPDATE events SET position = {at} WHERE position = {other}"),
                format!("UPDATE events SET position = {other} WHERE position = -1"),
            ] {
                run(&sql);
            }
            (format!("{at} and {other} were swapped"), at.min(other))
        }
        3 => {
            // A row slipped in moves all that follow.
            run(&format!("UPDATE events SET position = -position - 1 WHERE position >= {at}"));
            run("UPDATE events SET position = -position WHERE position < 0");
            run(&format!(
                "INSERT INTO events SELECT {at}, log_id, aggregate_type, aggregate_id, sequence + 1000000, event_type, \
                 event_version, payload, metadata, recorded_at, leaf FROM events WHERE position = {}",
                at + 1
            ));
            (format!("slipped in at {at}"), at)
        }
        4 if at != other => {
            // The proof of another event.
            run(&format!(
                "UPDATE events SET leaf = (SELECT leaf FROM events WHERE position = {other}) WHERE position = {at}"
            ));
            (format!("{at} has the leaf of {other}"), at)
        }
        5 => {
            let by = 1 + numbers.below(1_000_000_000);
            run(&format!("UPDATE events SET recorded_at = recorded_at - {by} WHERE position = {at}"));
            (format!("{at} was dated back by {by}"), at)
        }
        _ => {
            let column = COLUMNS[usize::try_from(numbers.below(COLUMNS.len() as u64)).unwrap()];
            let place = numbers.below(1_000);
            match column {
                "sequence" | "recorded_at" => {
                    run(&format!(
                        "UPDATE events SET {column} = {column} + {} WHERE position = {at}",
                        place + 1
                    ));
                }
                "leaf" => {
                    run(&format!("UPDATE events SET leaf = randomblob(32) WHERE position = {at}"));
                }
                _ => {
                    let text: String = connection
                        .query_row(&format!("SELECT {column} FROM events WHERE position = {at}"), [], |row| {
                            row.get(0)
                        })
                        .unwrap();
                    let mut bytes = text.into_bytes();
                    let place = usize::try_from(place).unwrap() % bytes.len();
                    bytes[place] = if bytes[place] == b'7' { b'8' } else { b'7' };
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let sql = format!("UPDATE events SET {column} = ?1 WHERE position = {at}");
                    connection.execute(&sql, [text]).unwrap();
                }
            }
            (format!("{column} of {at} was changed"), at)
        }
    }
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
    let connection = copy.connection();
    connection.execute("CREATE TEMP TABLE kept AS SELECT * FROM events", []).unwrap();
    for round in 0..count {
        let (meddling, position) = meddle(&connection, &mut numbers, original.len());
        let found = verify(&engine, &Plan::default(), |_| ()).await.unwrap().finding;
        let found = found.unwrap_or_else(|| panic!("{seed}, {round}: nobody sees that {meddling}"));
        assert_eq!(found.position, Some(position), "{seed}, {round}: {meddling}: {found}");
        connection.execute("DELETE FROM events", []).unwrap();
        connection.execute("INSERT INTO events SELECT * FROM kept", []).unwrap();
    }
    assert_eq!(verify(&engine, &Plan::default(), |_| ()).await.unwrap().finding, None);
    engine.close().await;
}
