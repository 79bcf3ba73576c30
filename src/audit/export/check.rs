//! Whether an export in a folder is what its manifest says, and the manifest what the log said: without the store.
//!
//! Every line is read, and its leaf made again. Of an export of the whole log the root follows from the leaves, and has to be that of
//! the checkpoint. Of a filtered one, that nothing is left out cannot be told here: only that nothing was changed or cut.

use std::{
    fmt, fs,
    io::{BufReader, Read},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::{CSV_HEADING, Encoding, Line, MANIFEST, Manifest, Part};
use crate::{
    audit::note::{SignedCheckpoint, VerifierKey},
    edge::bounded_line::{self, LineRead},
    engine::leaf::{Frontier, hex},
};

/// A line, or a record of CSV, is at most this long; an event is far below.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In which file.
    pub file: String,
    /// In which line of it, where it is one; the first is 1.
    pub line: Option<u64>,
    /// What is wrong.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(", line {line}")).unwrap_or_default();
        write!(out, "{}{line}: {}", self.file, self.detail)
    }
}

/// What was found to be right.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Checked {
    /// How many parts.
    pub parts: usize,
    /// How many events.
    pub events: u64,
    /// The last position that can be among them.
    pub to: u64,
    /// Whether it is the whole log of the checkpoint, with its root.
    pub is_whole_log: bool,
    /// Which log has signed the checkpoint, where its key was given.
    pub signed_by: Option<String>,
}

/// Checks an export in a folder; with keys, also that one of them has signed the checkpoint.
pub fn check(folder: &Path, keys: &[VerifierKey]) -> Result<Checked, Fault> {
    let wrong = |detail: String| Fault { file: MANIFEST.to_owned(), line: None, detail };
    let text = fs::read_to_string(folder.join(MANIFEST)).map_err(|error| wrong(error.to_string()))?;
    let manifest = Manifest::read(&text).map_err(wrong)?;
    if !manifest.complete {
        return Err(wrong(format!(
            "the export was cut after position {}: --resume goes on with it",
            manifest.through
        )));
    }
    let signed_by = signed(&manifest, keys).map_err(wrong)?;
    unlisted(folder, &manifest)?;
    let mut following = Following { at: manifest.filter.after, tree: Frontier::default() };
    for (number, part) in (1..).zip(&manifest.parts) {
        if part.file != manifest.part_name(number) {
            return Err(wrong(format!("part {number} is called {}", part.file)));
        }
        following.part(folder, part, &manifest)?;
    }
    let events: u64 = manifest.parts.iter().map(|part| part.events).sum();
    if events != manifest.events {
        return Err(wrong(format!("its parts have {events} events, not {}", manifest.events)));
    }
    let lacks = manifest.filter.takes_all() && following.at != manifest.to;
    if lacks || manifest.through != manifest.to || manifest.to > manifest.log.size {
        return Err(wrong(format!("it ends at position {}, not at {}", following.at, manifest.to)));
    }
    let is_whole_log =
        manifest.filter.takes_all() && manifest.filter.after == 0 && manifest.to == manifest.log.size;
    if is_whole_log && hex(&following.tree.root()) != manifest.log.root {
        return Err(wrong("the root that follows from the events is not that of the checkpoint".to_owned()));
    }
    Ok(Checked { parts: manifest.parts.len(), events, to: manifest.to, is_whole_log, signed_by })
}

/// Who has signed the checkpoint, which has to say what the manifest says.
fn signed(manifest: &Manifest, keys: &[VerifierKey]) -> Result<Option<String>, String> {
    if keys.is_empty() {
        return Ok(None);
    }
    let note = manifest.log.checkpoint.as_ref().ok_or("it has no signed checkpoint")?;
    let signed = SignedCheckpoint::open(note, keys).map_err(|error| error.to_string())?;
    let said = signed.checkpoint();
    if (said.size, hex(&said.root)) != (manifest.log.size, manifest.log.root.clone()) {
        return Err(format!("its checkpoint is of {} events with another root", said.size));
    }
    Ok(Some(said.origin.clone()))
}

/// Whoever reads every part reads what no manifest names too.
fn unlisted(folder: &Path, manifest: &Manifest) -> Result<(), Fault> {
    let failed =
        |error: std::io::Error| Fault { file: ".".to_owned(), line: None, detail: error.to_string() };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name != MANIFEST && !manifest.parts.iter().any(|part| part.file == name) {
            let detail = "the manifest does not name this file".to_owned();
            return Err(Fault { file: name, line: None, detail });
        }
    }
    Ok(())
}

/// How far everything was right.
struct Following {
    at: u64,
    tree: Frontier,
}

impl Following {
    fn part(&mut self, folder: &Path, part: &Part, manifest: &Manifest) -> Result<(), Fault> {
        let wrong = |line: Option<u64>, detail: String| Fault { file: part.file.clone(), line, detail };
        let failed = |error: std::io::Error| wrong(None, error.to_string());
        let file = fs::File::open(folder.join(&part.file)).map_err(failed)?;
        let mut summed =
            Summed { of: BufReader::new(file), sum: Sha256::new(), bytes: 0, left: LINE_BYTES_MAX };
        let (before, mut events) = (self.at, 0);
        let mut first = None;
        let mut each = |line: u64, read: Option<Line>| -> Result<(), Fault> {
            let Some(read) = read else { return Err(wrong(Some(line), "it is no event".to_owned())) };
            self.event(&read, manifest).map_err(|detail| wrong(Some(line), detail))?;
            first.get_or_insert(read.position);
            events += 1;
            Ok(())
        };
        if manifest.encoding == Encoding::Csv {
            records(&mut summed, &mut each, &wrong)?;
        } else {
            lines(&mut summed, manifest.encoding, &mut each, &wrong)?;
        }
        let (sum, bytes) = (hex(&summed.sum.finalize()), summed.bytes);
        let said = (part.events, part.first, part.last, part.bytes, part.sha256.as_str());
        let found =
            (events, first.unwrap_or(0), if events > 0 { self.at } else { before }, bytes, sum.as_str());
        if said != found {
            let shown = |(events, first, last, bytes, sum): (u64, u64, u64, u64, &str)| {
                format!("{events} events from {first} to {last} in {bytes} bytes, SHA-256 {sum}")
            };
            return Err(wrong(None, format!("it has {}; the manifest says {}", shown(found), shown(said))));
        }
        Ok(())
    }

    fn event(&mut self, line: &Line, manifest: &Manifest) -> Result<(), String> {
        let Line { position, leaf, made } = line;
        let next = self.at + 1;
        if manifest.filter.takes_all() && *position != next {
            return Err(format!("it has position {position}, where {next} has to be"));
        }
        if *position < next || *position > manifest.to {
            return Err(format!(
                "position {position} cannot stand after {}, or is past {}",
                self.at, manifest.to
            ));
        }
        if hex(made) != *leaf {
            return Err(format!("the event at position {position} is not what its leaf was made of"));
        }
        self.at = *position;
        self.tree.push(*made);
        Ok(())
    }
}

type Wrong<'a> = dyn Fn(Option<u64>, String) -> Fault + 'a;
type Each<'a> = dyn FnMut(u64, Option<Line>) -> Result<(), Fault> + 'a;

fn lines(file: &mut Summed, encoding: Encoding, each: &mut Each<'_>, wrong: &Wrong<'_>) -> Result<(), Fault> {
    let mut text = Vec::new();
    for number in 1.. {
        let fault = |detail: &str| wrong(Some(number), detail.to_owned());
        let read = bounded_line::read(&mut file.of, LINE_BYTES_MAX, &mut text);
        match read.map_err(|error| fault(&error.to_string()))? {
            LineRead::End => return Ok(()),
            LineRead::Whole => {}
            LineRead::Unended => return Err(fault("the line does not end")),
            LineRead::TooLong => return Err(fault(&too_long())),
        }
        file.sum.update(&text);
        file.bytes += text.len() as u64;
        let line = std::str::from_utf8(&text[..text.len() - 1]).map_err(|_| fault("it is no text"))?;
        each(number, Line::of_json(line, encoding))?;
    }
    Ok(())
}

fn too_long() -> String {
    format!("it is longer than {LINE_BYTES_MAX} bytes, and no event is")
}

fn records(file: &mut Summed, each: &mut Each<'_>, wrong: &Wrong<'_>) -> Result<(), Fault> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut record = csv::StringRecord::new();
    let mut line = 1;
    let unreadable = |line, error: csv::Error| wrong(Some(line), error.to_string());
    let headed = reader.read_record(&mut record).map_err(|error| unreadable(line, error))?;
    if !headed || record.iter().ne(CSV_HEADING) {
        return Err(wrong(Some(1), "the heading is another".to_owned()));
    }
    loop {
        // A record ends with its carriage return: the newline is the first thing that the next one reads.
        line = reader.position().line() + 1;
        if !reader.read_record(&mut record).map_err(|error| unreadable(line, error))? {
            return Ok(());
        }
        each(line, Line::of_cells(&record))?;
        reader.get_mut().left = LINE_BYTES_MAX;
    }
}

/// A file, and the sum of what was read of it.
struct Summed {
    of: BufReader<fs::File>,
    sum: Sha256,
    bytes: u64,
    /// What the record that is being read may still take, of what is asked for in advance too.
    left: u64,
}

impl Read for Summed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.of.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| std::io::Error::other(too_long()))?;
        self.sum.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}
