//! The configuration file: TOML, of which every key is known.
//!
//! Deliberately absent from every message: the text of a line, which may hold a password.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::settings::{SETTINGS, Setting, Value, setting};
use crate::edge::Problem;

/// What the file is called where nobody names it.
pub const NAME: &str = "orderwire.toml";

/// A name is meant to be another if at most this many of its letters are wrong, and no more than a third of them.
const LETTERS_WRONG_MAX: usize = 4;

/// Every problem of a configuration file.
pub fn check(text: &str) -> Vec<Problem> {
    parse(text).err().unwrap_or_default()
}

/// What a file sets, or every problem with it.
pub fn parse(text: &str) -> Result<Vec<(&'static Setting, Value)>, Vec<Problem>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading { text, values: Vec::new(), problems: Vec::new() };
    for error in errors {
        let place = reading.line(error.span().map_or(0, |span| span.start));
        reading.problems.push(Problem::new(&place, "toml_invalid", error.message(), "TOML"));
    }
    // What could not be read is not there, or is there by half.
    if reading.problems.is_empty() {
        reading.table("", table.get_ref());
    }
    // Keys come in the order of the alphabet; whoever corrects a file goes through its lines.
    reading.problems.sort_by_key(|problem| problem.pointer[LINE.len()..].parse::<usize>().unwrap_or(0));
    if reading.problems.is_empty() { Ok(reading.values) } else { Err(reading.problems) }
}

const LINE: &str = "line ";

struct Reading<'a> {
    text: &'a str,
    values: Vec<(&'static Setting, Value)>,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn line(&self, at: usize) -> String {
        let before = self.text.as_bytes().iter().take(at);
        format!("{LINE}{}", before.filter(|byte| **byte == b'\n').count() + 1)
    }

    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = format!("{section}{}", name.get_ref());
            let place = self.line(name.span().start);
            match (setting(&key), value.get_ref()) {
                (None, DeValue::Table(inner)) if is_section(&key) => self.table(&format!("{key}."), inner),
                (None, _) if is_section(&key) => {
                    let detail = format!("`{key}` is a section");
                    self.problems.push(Problem::new(&place, "section_invalid", detail, format!("[{key}]")));
                }
                (None, _) => self.problems.push(unknown(&place, &key)),
                (Some(setting), _) => match read(setting, value) {
                    Ok(value) => self.values.push((setting, value)),
                    Err(expected) => self.problems.push(setting.problem(&place, expected)),
                },
            }
        }
    }
}

fn is_section(key: &str) -> bool {
    let section = |setting: &Setting| setting.key.split_once('.').is_some_and(|(section, _)| section == key);
    SETTINGS.iter().any(section)
}

fn read(setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
    let kind = setting.kind;
    match value.get_ref() {
        DeValue::String(text) => kind.text(text),
        DeValue::Integer(count) => u64::from_str_radix(count.as_str(), count.radix())
            .map_err(|_| kind.expected())
            .and_then(|count| kind.count(count)),
        DeValue::Boolean(on) => kind.switch(*on),
        _ => Err(kind.expected()),
    }
}

fn unknown(place: &str, key: &str) -> Problem {
    let near = |known: &str| {
        // Whoever forgets the section writes the rest of the name.
        let last = known.rsplit('.').next().unwrap_or(known);
        strsim::osa_distance(known, key).min(1 + strsim::osa_distance(last, key))
    };
    let sections =
        SETTINGS.iter().filter_map(|setting| setting.key.split_once('.')).map(|(section, _)| section);
    let nearest =
        SETTINGS.iter().map(|setting| setting.key).chain(sections).map(|name| (near(name), name)).min();
    let wrong_max = LETTERS_WRONG_MAX.min(key.len() / 3);
    let meant = nearest.filter(|(wrong, _)| *wrong <= wrong_max).map(|(_, known)| known);
    let expected = meant.map_or_else(
        || "a setting that `orderwire config show` names".to_owned(),
        |known| format!("perhaps `{known}`"),
    );
    Problem::new(place, "setting_unknown", format!("there is no setting `{key}`"), expected)
}
