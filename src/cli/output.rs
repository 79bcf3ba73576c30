//! What is printed: data on stdout as a table, as JSON, as lines of JSON or as CSV; remarks on stderr.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::{Value, json};

pub use super::progress::{Bar, Bars};
use crate::config::Config;

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// One JSON value
    Json,
    /// One JSON value per line
    Jsonl,
    /// A row of fields per record, below their names
    Csv,
}

impl Format {
    /// The format that is set.
    pub fn of(config: &Config) -> Self {
        let word = config.text("format").unwrap_or_default();
        Self::from_str(&word, false).expect("the configuration knows the words")
    }
}

/// Where data and remarks go.
pub struct Output<'a> {
    format: Format,
    data: Box<dyn Write + 'a>,
    remarks: Box<dyn Write + 'a>,
    bars: Bars,
}

/// A column: its heading, and how its cell is read off a record.
pub type Column<T> = (&'static str, fn(&T) -> String);

impl<'a> Output<'a> {
    /// Data to one place, remarks to another.
    pub fn new(format: Format, data: impl Write + 'a, remarks: impl Write + 'a) -> Self {
        Self { format, data: Box::new(data), remarks: Box::new(remarks), bars: Bars::None }
    }

    /// The same, with bars on the terminal that says how far long work is.
    #[must_use]
    pub fn with_bars(self, bars: Bars) -> Self {
        Self { bars, ..self }
    }

    /// A bar for so many steps of work; while it is there, remarks stand above it.
    pub fn bar(&mut self, doing: &'static str, steps: u64) -> Bar {
        self.bars.begin(doing, steps)
    }

    /// How data is printed.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where data goes, for those who print it themselves.
    pub fn writer(&mut self) -> &mut impl Write {
        &mut self.data
    }

    /// Lets everything printed so far be seen.
    pub fn flush(&mut self) -> io::Result<()> {
        self.data.flush()?;
        self.remarks.flush()
    }

    /// Something said beside the data.
    pub fn remark(&mut self, text: &str) -> io::Result<()> {
        let Self { format, remarks, bars, .. } = self;
        bars.suspended(|| match format {
            Format::Table | Format::Csv => writeln!(remarks, "{text}"),
            Format::Json | Format::Jsonl => writeln!(remarks, "{}", json!({ "remark": text })),
        })
    }

    /// One line for whoever started this, at once.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        match self.format {
            Format::Table | Format::Csv => writeln!(self.data, "{text}")?,
            Format::Json | Format::Jsonl => writeln!(self.data, "{}", json!({ "said": text }))?,
        }
        self.flush()
    }

    /// A failure that does not end the command.
    pub fn failure(&mut self, failure: &super::Failure) -> io::Result<()> {
        let Self { format, remarks, bars, .. } = self;
        bars.suspended(|| writeln!(remarks, "{}", failure.shown(*format)))
    }

    /// Many records.
    pub fn list<T: Serialize>(&mut self, records: &[T], columns: &[Column<T>]) -> io::Result<()> {
        match self.format {
            Format::Table => self.table(records, columns),
            Format::Json => self.json(&serde_json::to_value(records)?),
            Format::Csv if records.is_empty() => self.remark("nothing to show"),
            Format::Csv => csv(&mut self.data, records, true),
            Format::Jsonl => records.iter().try_for_each(|record| self.json(&serde_json::to_value(record)?)),
        }
    }

    /// Records as they come, seen at once: a line each, headings above the first of them all.
    pub fn come<T: Serialize>(
        &mut self,
        records: &[T],
        columns: &[Column<T>],
        are_first: bool,
    ) -> io::Result<()> {
        match self.format {
            Format::Table => writeln!(self.data, "{}", printed(filled(records, columns, are_first)))?,
            Format::Csv => csv(&mut self.data, records, are_first)?,
            Format::Json | Format::Jsonl => {
                for record in records {
                    writeln!(self.data, "{}", serde_json::to_string(record)?)?;
                }
            }
        }
        self.flush()
    }

    /// Records of which a table shows the parts, a line each.
    pub fn list_of<W: Serialize, T>(
        &mut self,
        records: &[W],
        parts: &[T],
        columns: &[Column<T>],
    ) -> io::Result<()> {
        if self.format == Format::Table { self.table(parts, columns) } else { self.list(records, &[]) }
    }

    /// One record, a line per field.
    pub fn one<T: Serialize>(&mut self, record: &T, columns: &[Column<T>]) -> io::Result<()> {
        self.one_of(record, record, columns)
    }

    /// The main part of something, a line per field; as JSON the whole of it.
    pub fn one_of<W: Serialize, T>(
        &mut self,
        whole: &W,
        record: &T,
        columns: &[Column<T>],
    ) -> io::Result<()> {
        match self.format {
            Format::Table => {}
            Format::Csv => return csv(&mut self.data, &[whole], true),
            Format::Json | Format::Jsonl => return self.json(&serde_json::to_value(whole)?),
        }
        let mut table = empty();
        for (heading, cell) in columns {
            let cell = cell(record);
            if !cell.is_empty() {
                table.add_row([heading, &cell.as_str()]);
            }
        }
        writeln!(self.data, "{}", printed(table))
    }

    /// More about the record that was shown before; JSON has had it with the record.
    pub fn below<T: Serialize>(&mut self, records: &[T], columns: &[Column<T>]) -> io::Result<()> {
        if self.format != Format::Table || records.is_empty() {
            return Ok(());
        }
        writeln!(self.data)?;
        self.table(records, columns)
    }

    fn table<T>(&mut self, records: &[T], columns: &[Column<T>]) -> io::Result<()> {
        if records.is_empty() {
            return self.remark("nothing to show");
        }
        writeln!(self.data, "{}", printed(filled(records, columns, true)))
    }

    fn json(&mut self, value: &Value) -> io::Result<()> {
        match self.format {
            Format::Jsonl => serde_json::to_writer(&mut self.data, value)?,
            Format::Json | Format::Table | Format::Csv => {
                serde_json::to_writer_pretty(&mut self.data, value)?;
            }
        }
        writeln!(self.data)
    }
}

/// Records as RFC 4180 has them. A field that only some records have is empty in the others, and so is one that is null;
/// what is no text, number or truth is JSON. Deliberately absent: any change of a cell that a spreadsheet takes for a formula.
fn csv<T: Serialize>(data: &mut impl Write, records: &[T], headed: bool) -> io::Result<()> {
    let records: Vec<Value> = records.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    let fields = || records.iter().filter_map(Value::as_object);
    let mut names: Vec<&str> = Vec::new();
    for name in fields().flat_map(|record| record.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(data);
    if headed {
        writer.write_record(&names)?;
    }
    for record in fields() {
        writer.write_record(names.iter().map(|name| match record.get(*name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }))?;
    }
    writer.flush()
}

/// Columns apart by spaces: no lines and no colours, so that other programs can cut them.
fn empty() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// A row for each record, below headings where there are to be any.
fn filled<T>(records: &[T], columns: &[Column<T>], headed: bool) -> Table {
    let mut table = empty();
    if headed {
        table.set_header(columns.iter().map(|(heading, _)| heading.to_uppercase()));
    }
    for record in records {
        table.add_row(columns.iter().map(|(_, cell)| cell(record)));
    }
    table
}

/// The table without the space that comfy-table leaves around each cell.
fn printed(mut table: Table) -> String {
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.trim_fmt()
}

/// A value that may be missing.
pub fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// A time for people, in UTC.
pub fn time(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    fn printed_as_csv(records: &[Value]) -> String {
        let mut data = Vec::new();
        Output::new(Format::Csv, &mut data, io::sink()).list(records, &[]).unwrap();
        String::from_utf8(data).unwrap()
    }

    fn cell() -> impl Strategy<Value = Value> {
        let text = prop_oneof![any::<String>(), "[-=+@,;\"'\r\n\t x]{1,12}"];
        prop_oneof![
            text.prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
            prop::collection::vec(any::<String>(), 0..3).prop_map(|list| json!({ "list": list })),
        ]
    }

    proptest! {
        #[test]
        fn csv_reads_back_as_it_was(rows in prop::collection::vec(prop::collection::vec(cell(), 3), 1..8)) {
            let names = ["id", "a \"name\", quoted", "nested"];
            let record = |row: &Vec<Value>| {
                Value::Object(names.iter().map(|it| (*it).to_owned()).zip(row.iter().cloned()).collect::<Map<_, _>>())
            };
            let text = printed_as_csv(&rows.iter().map(record).collect::<Vec<_>>());
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            prop_assert_eq!(reader.headers().unwrap(), &names[..]);
            let read: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(read.len(), rows.len());
            for (read, row) in read.iter().zip(&rows) {
                for (read, cell) in read.iter().zip(row) {
                    match cell {
                        Value::String(text) => prop_assert_eq!(read, text),
                        Value::Null => prop_assert_eq!(read, ""),
                        other => prop_assert_eq!(&serde_json::from_str::<Value>(read).unwrap(), other),
                    }
                }
            }
        }
    }

    #[test]
    fn csv_has_a_column_for_every_field_of_any_record() {
        let text = printed_as_csv(&[json!({ "a": 1 }), json!({ "b": "=1+1", "a": null })]);
        assert_eq!(text, "a,b\r\n1,\r\n,=1+1\r\n");
        assert_eq!(printed_as_csv(&[]), "", "without records nobody knows the fields");
    }

    #[test]
    fn the_configuration_knows_the_words_of_every_format() {
        let words = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let words: Vec<String> = words.map(|word| word.get_name().to_owned()).collect();
        assert_eq!(words, crate::config::FORMATS);
    }
}
