//! What is printed: data on stdout as a table, as JSON or as lines of JSON; remarks on stderr.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::{Value, json};

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// One JSON value
    Json,
    /// One JSON value per line
    Jsonl,
}

/// Where data and remarks go.
pub struct Output<'a> {
    format: Format,
    data: Box<dyn Write + 'a>,
    remarks: Box<dyn Write + 'a>,
}

/// A column: its heading, and how its cell is read off a record.
pub type Column<T> = (&'static str, fn(&T) -> String);

impl<'a> Output<'a> {
    /// Data to one place, remarks to another.
    pub fn new(format: Format, data: impl Write + 'a, remarks: impl Write + 'a) -> Self {
        Self { format, data: Box::new(data), remarks: Box::new(remarks) }
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
        match self.format {
            Format::Table => writeln!(self.remarks, "{text}"),
            Format::Json | Format::Jsonl => writeln!(self.remarks, "{}", json!({ "remark": text })),
        }
    }

    /// A failure that does not end the command.
    pub fn failure(&mut self, failure: &super::Failure) -> io::Result<()> {
        writeln!(self.remarks, "{}", failure.shown(self.format))
    }

    /// Many records.
    pub fn list<T: Serialize>(&mut self, records: &[T], columns: &[Column<T>]) -> io::Result<()> {
        match self.format {
            Format::Table => self.table(records, columns),
            Format::Json => self.json(&serde_json::to_value(records)?),
            Format::Jsonl => records.iter().try_for_each(|record| self.json(&serde_json::to_value(record)?)),
        }
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
        if self.format != Format::Table {
            return self.json(&serde_json::to_value(whole)?);
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
        let mut table = empty();
        table.set_header(columns.iter().map(|(heading, _)| heading.to_uppercase()));
        for record in records {
            table.add_row(columns.iter().map(|(_, cell)| cell(record)));
        }
        writeln!(self.data, "{}", printed(table))
    }

    fn json(&mut self, value: &Value) -> io::Result<()> {
        match self.format {
            Format::Jsonl => serde_json::to_writer(&mut self.data, value)?,
            Format::Json | Format::Table => serde_json::to_writer_pretty(&mut self.data, value)?,
        }
        writeln!(self.data)
    }
}

/// Columns apart by spaces: no lines and no colours, so that other programs can cut them.
fn empty() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
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
