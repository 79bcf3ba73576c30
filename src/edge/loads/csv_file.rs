//! A CSV file as a stream of rows whose columns are known by their headings.

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder, Trim};
use orderwire_domain::invalid::Invalid;
use sha2::{Digest as _, Sha256};

use super::{LoadError, RefusedRow, Source};
use crate::{
    edge::Problem,
    engine::{leaf::hex, reference::loads::LoadedFile},
};

/// A row has at most so many bytes: a quote that is never closed would make one of the whole file.
const ROW_BYTES_MAX: usize = 64 * 1024;
/// Headings that a refusal repeats.
const HEADINGS_SHOWN_MAX: usize = 40;

/// A column: what it is called here, and how publishers call it, as [`plain`] writes headings.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) headings: &'static [&'static str],
    pub(super) needed: bool,
}

/// A file that is being read.
pub(super) struct CsvFile<'a> {
    reader: csv::Reader<Metered<'a>>,
    row: ByteRecord,
    headings: Vec<String>,
    /// Where each column stands, in the order in which they were asked for.
    places: Vec<Option<usize>>,
    pub(super) counts: LoadedFile,
}

/// A row of it.
pub(super) struct CsvRow<'a> {
    line: u64,
    cells: &'a ByteRecord,
    file: &'a CsvFile<'a>,
}

/// Bytes on their way, hashed and counted.
struct Metered<'a> {
    bytes: Box<dyn Read + Send + 'a>,
    hash: Sha256,
    since_row: usize,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row > ROW_BYTES_MAX {
            let why = format!("a row has more than {ROW_BYTES_MAX} bytes: is a quote not closed?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let read = self.bytes.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.since_row += read;
        Ok(read)
    }
}

/// A heading in the form compared: its letters and digits, small.
pub(super) fn plain(heading: &str) -> String {
    heading.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

impl<'a> CsvFile<'a> {
    /// Reads the headings; a file that lacks a needed column is refused with those it has.
    pub(super) fn open(source: Source<'a>, columns: &[Column]) -> Result<Self, LoadError> {
        let name = source.name;
        let metered = Metered { bytes: source.bytes, hash: Sha256::new(), since_row: 0 };
        let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(metered);
        let found = reader.byte_headers().map_err(|error| unread(&name, error))?;
        let headings: Vec<String> =
            found.iter().map(|heading| String::from_utf8_lossy(heading).into_owned()).collect();
        let plain: Vec<String> = headings.iter().map(|heading| plain(heading)).collect();
        let place = |column: &Column| {
            column.headings.iter().find_map(|known| plain.iter().position(|heading| heading == known))
        };
        let places: Vec<_> = columns.iter().map(place).collect();
        let missing = columns.iter().zip(&places).filter(|(column, place)| column.needed && place.is_none());
        let missing: Vec<&str> = missing.map(|(column, _)| column.name).collect();
        if !missing.is_empty() {
            let shown = headings.iter().take(HEADINGS_SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
            let detail = format!("there is no column for {}; the columns are: {shown}", missing.join(", "));
            let expected = columns.iter().filter(|column| column.needed).map(|column| column.name);
            let expected = format!("columns for {}", expected.collect::<Vec<_>>().join(", "));
            return Err(LoadError::Refused(vec![Problem::new(&name, "heading_wrong", detail, expected)]));
        }
        let counts = LoadedFile { name, sha256: String::new(), rows: 0, refused: 0, passed_over: 0 };
        Ok(Self { reader, row: ByteRecord::new(), headings, places, counts })
    }

    /// The next row, unless there is none.
    pub(super) fn next(&mut self) -> Result<Option<CsvRow<'_>>, LoadError> {
        self.reader.get_mut().since_row = 0;
        let more = self.reader.read_byte_record(&mut self.row);
        if !more.map_err(|error| unread(&self.counts.name, error))? {
            return Ok(None);
        }
        let line = self.row.position().map_or(0, csv::Position::line);
        Ok(Some(CsvRow { line, cells: &self.row, file: self }))
    }

    /// What is kept of the file once all of it was read.
    pub(super) fn end(mut self) -> LoadedFile {
        let hash = self.reader.into_inner().hash;
        self.counts.sha256 = hex(&hash.finalize());
        self.counts
    }
}

impl CsvRow<'_> {
    /// The cell of a column, by its place among those asked for; empty where there is none.
    pub(super) fn cell(&self, column: usize) -> Result<&str, Box<RefusedRow>> {
        let bytes = self.file.places[column].and_then(|place| self.cells.get(place)).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| {
            let invalid = Invalid::new("text_not_utf8", "the text is not UTF-8", "a file in UTF-8");
            Box::new(self.refuse(column, invalid))
        })
    }

    /// The value of a needed cell.
    pub(super) fn value<T>(
        &self,
        column: usize,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<T, Box<RefusedRow>> {
        parse(self.cell(column)?).map_err(|invalid| Box::new(self.refuse(column, invalid)))
    }

    /// The value of a cell that may be empty.
    pub(super) fn any<T>(
        &self,
        column: usize,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Box<RefusedRow>> {
        if self.cell(column)?.is_empty() { Ok(None) } else { self.value(column, parse).map(Some) }
    }

    /// Says what is wrong with a cell.
    fn refuse(&self, column: usize, invalid: Invalid) -> RefusedRow {
        let heading = self.file.places[column].and_then(|place| self.file.headings.get(place));
        RefusedRow {
            file: self.file.counts.name.clone(),
            line: self.line,
            column: heading.cloned().unwrap_or_default(),
            code: invalid.code,
            detail: invalid.detail,
            expected: invalid.expected,
        }
    }
}

fn unread(name: &str, error: csv::Error) -> LoadError {
    let name = name.to_owned();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => LoadError::File { name, error },
        other => LoadError::File { name, error: io::Error::other(format!("{other:?}")) },
    }
}
