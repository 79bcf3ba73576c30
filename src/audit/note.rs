//! Signed notes (C2SP signed-note) and the checkpoints of a log written as such (C2SP tlog-checkpoint).
//!
//! A note is a text, an empty line, and lines of signatures. The text of a [`Checkpoint`] says which log, how many leaves,
//! and their root. Reading is strict: what is not written exactly as the specifications have it is refused, so there is one
//! way to write a checkpoint, and whoever changes a byte of it is found. Signatures of keys that nobody named are passed
//! over, for a note may carry those of witnesses; one of a named key that does not fit refuses the note. Absent: where the
//! key of a log is kept, which checkpoint is current, and every kind of signature but Ed25519.

mod key;

use base64::{Engine as _, prelude::BASE64_STANDARD};

pub use self::key::{KeyError, SignerKey, VerifierKey};
use crate::engine::leaf::Hash;

/// A note that a stranger hands us is at most this long; those of many witnesses are far below.
pub const NOTE_BYTES_MAX: usize = 1 << 20;
/// And has at most so many signatures.
pub const SIGNATURES_MAX: usize = 100;

/// Why a text is no note, no checkpoint, or not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is not written as a signed note.
    #[error("this is no signed note: {0}")]
    Malformed(&'static str),
    /// A line of it is no signature.
    #[error("line {line} of the note is no signature: {why}")]
    Signature {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A key that is known did not make what stands under its name.
    #[error("the signature of {0} does not fit the text")]
    Forged(String),
    /// Nobody whose key is known has signed it.
    #[error("none of the keys that are trusted ({}) has signed this note", .0.join(", "))]
    Unsigned(Vec<String>),
    /// The text is not that of a checkpoint.
    #[error("this is no checkpoint: {0}")]
    NoCheckpoint(&'static str),
    /// It is a checkpoint of another log.
    #[error("this is a checkpoint of the log `{found}`, not of `{expected}`")]
    OtherLog {
        /// The origin that it should have.
        expected: String,
        /// The one that it has.
        found: String,
    },
}

/// One signature of a note, by whomever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key.
    pub name: String,
    /// What tells it from others of that name.
    pub key_id: u32,
    /// The signature itself; 64 bytes where it is Ed25519.
    pub bytes: Vec<u8>,
}

/// A text and who has signed it. Nothing of it is to be believed before [`Note::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// Signs a text, which has to end with a newline and to hold no other control character.
    pub fn sign(text: String, signers: &[&SignerKey]) -> Result<Self, NoteError> {
        check_text(&text)?;
        let signatures = signers.iter().map(|signer| signer.sign(text.as_bytes())).collect();
        Ok(Self { text, signatures })
    }

    /// Reads a note, without looking whether anything is signed as it says.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Malformed("it is longer than 1 MiB"));
        }
        check_characters(note)?;
        let no_blank = NoteError::Malformed("no empty line parts a text from signatures");
        let text_end = note.rfind("\n\n").ok_or(no_blank)? + 1;
        let (text, rest) = note.split_at(text_end);
        let signed = rest[1..].strip_suffix('\n');
        let lines = signed.ok_or(NoteError::Malformed("it does not end with the newline of a signature"))?;
        let first = text.lines().count() + 2;
        let signatures = lines
            .split('\n')
            .zip(first..)
            .map(|(text, line)| Signature::parse(text).map_err(|why| NoteError::Signature { line, why }));
        let signatures: Vec<_> = signatures.take(SIGNATURES_MAX + 1).collect::<Result<_, _>>()?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(NoteError::Malformed("it has more than 100 signatures"));
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text that is signed, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every signature, of known keys and others.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Which of these keys have signed it: at least one, and none of them badly.
    pub fn verify<'k>(&self, trusted: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signers: Vec<&VerifierKey> = Vec::new();
        for signature in &self.signatures {
            let is_its = |key: &&VerifierKey| key.name() == signature.name && key.id() == signature.key_id;
            for key in trusted.iter().filter(is_its) {
                if !key.verifies(self.text.as_bytes(), &signature.bytes) {
                    return Err(NoteError::Forged(key.short()));
                }
                if !signers.contains(&key) {
                    signers.push(key);
                }
            }
        }
        if signers.is_empty() {
            return Err(NoteError::Unsigned(trusted.iter().map(VerifierKey::short).collect()));
        }
        Ok(signers)
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(out, "{signature}"))
    }
}

impl Signature {
    fn parse(line: &str) -> Result<Self, &'static str> {
        let line = line.strip_prefix("\u{2014} ").ok_or("it does not begin with an em dash and a space")?;
        let (name, bytes) = line.split_once(' ').ok_or("a space must part a name from a signature")?;
        if !key::is_name(name) {
            return Err("the name of a key is not empty, and has neither a space nor a plus");
        }
        let bytes = BASE64_STANDARD.decode(bytes).map_err(|_| "it is not written in base64")?;
        let (id, bytes) = bytes.split_first_chunk().ok_or("it is too short")?;
        if bytes.is_empty() {
            return Err("it is too short");
        }
        Ok(Self { name: name.to_owned(), key_id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let signed = BASE64_STANDARD.encode([&self.key_id.to_be_bytes(), self.bytes.as_slice()].concat());
        write!(out, "\u{2014} {} {signed}", self.name)
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    check_characters(text)?;
    if text.ends_with('\n') {
        return Ok(());
    }
    Err(NoteError::Malformed("its text does not end with a newline"))
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    if text.bytes().all(|byte| byte >= b' ' || byte == b'\n') {
        return Ok(());
    }
    Err(NoteError::Malformed("it has a control character"))
}

/// What a log says of itself at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log, worldwide; by custom an address without its scheme, such as `orders.example/log`.
    pub origin: String,
    /// How many leaves it has: the position of its last event.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
    /// Whatever else is signed; ours have nothing.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn to_text(&self) -> String {
        let root = BASE64_STANDARD.encode(self.root);
        let mut text = format!("{}\n{}\n{root}\n", self.origin, self.size);
        for extension in &self.extensions {
            text.push_str(extension);
            text.push('\n');
        }
        text
    }

    /// Reads what [`Checkpoint::to_text`] writes, and nothing else.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let lines = text.strip_suffix('\n').ok_or(NoteError::NoCheckpoint("its last line is not ended"))?;
        let lines: Vec<&str> = lines.split('\n').collect();
        let [origin, size, root, extensions @ ..] = lines.as_slice() else {
            return Err(NoteError::NoCheckpoint("it needs three lines: origin, size and root"));
        };
        if origin.is_empty() || extensions.iter().any(|line| line.is_empty()) {
            return Err(NoteError::NoCheckpoint("it has an empty line"));
        }
        let not_a_size = NoteError::NoCheckpoint("its second line is not a number of leaves");
        let number: u64 = size.parse().map_err(|_| not_a_size.clone())?;
        if number.to_string() != *size {
            return Err(not_a_size);
        }
        let root = BASE64_STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            origin: (*origin).to_owned(),
            size: number,
            root: root.ok_or(NoteError::NoCheckpoint("its third line is not 32 bytes in base64"))?,
            extensions: extensions.iter().map(|line| (*line).to_owned()).collect(),
        })
    }
}

/// A checkpoint with its signatures; what it says was verified, or signed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Signs one. It is of the log that the key is named after, as the specification recommends.
    pub fn sign(size: u64, root: Hash, signer: &SignerKey) -> Self {
        let origin = signer.verifier().name().to_owned();
        let checkpoint = Checkpoint { origin, size, root, extensions: Vec::new() };
        let note =
            Note::sign(checkpoint.to_text(), &[signer]).expect("the name of a key has no control character");
        Self { checkpoint, note }
    }

    /// Reads a checkpoint, and verifies that one of these keys has signed it.
    pub fn open(note: &str, trusted: &[VerifierKey]) -> Result<Self, NoteError> {
        let note = Note::parse(note)?;
        note.verify(trusted)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { checkpoint, note })
    }

    /// The same of a certain log.
    pub fn open_of(origin: &str, note: &str, trusted: &[VerifierKey]) -> Result<Self, NoteError> {
        let opened = Self::open(note, trusted)?;
        if opened.checkpoint.origin == origin {
            return Ok(opened);
        }
        Err(NoteError::OtherLog { expected: origin.to_owned(), found: opened.checkpoint.origin })
    }

    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note it was said in.
    pub fn note(&self) -> &Note {
        &self.note
    }
}

impl std::fmt::Display for SignedCheckpoint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.note.fmt(out)
    }
}

#[cfg(test)]
mod tests;
