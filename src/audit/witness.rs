//! A file of checkpoints that somebody kept, one after the other: what was signed once cannot be rewritten unnoticed, not
//! even by who computes every hash again.
//!
//! A checkpoint begins behind the signatures of the one before it; empty lines between them mean nothing.

use super::note::{NoteError, SignedCheckpoint, VerifierKey};

/// What every line of a signature begins with.
const SIGNATURE: &str = "\u{2014} ";

/// A file that is no witness.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint that begins in line {line}: {why}")]
pub struct WitnessError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: NoteError,
}

/// Every checkpoint in a text, each signed by one of these keys.
pub fn read(text: &str, trusted: &[VerifierKey]) -> Result<Vec<SignedCheckpoint>, WitnessError> {
    notes(text)
        .into_iter()
        .map(|(line, note)| SignedCheckpoint::open(&note, trusted).map_err(|why| WitnessError { line, why }))
        .collect()
}

/// Each note with the line that it begins in.
fn notes(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_signed = true;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let is_signature = line.starts_with(SIGNATURE);
        if is_signed && !is_signature {
            if line.trim().is_empty() {
                continue;
            }
            found.push((number, String::new()));
        }
        is_signed = is_signature;
        if let Some((_, note)) = found.last_mut() {
            note.push_str(line);
        } else {
            found.push((number, line.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::note::SignerKey;

    #[test]
    fn checkpoints_are_read_one_after_the_other_and_a_changed_one_is_named_by_its_line() {
        let key = SignerKey::from_seed("orders.example/log", &[7; 32]).unwrap();
        let trusted = [key.verifier().clone()];
        let note = |size| SignedCheckpoint::sign(size, [u8::try_from(size).unwrap(); 32], &key).to_string();
        let file = format!("{}\n\n{}{}", note(1), note(2), note(3));
        let sizes: Vec<u64> =
            read(&file, &trusted).unwrap().iter().map(|signed| signed.checkpoint().size).collect();
        assert_eq!(sizes, [1, 2, 3]);
        assert_eq!(read("", &trusted), Ok(Vec::new()));
        let changed = file.replace("\n2\n", "\n4\n");
        assert_eq!(read(&changed, &trusted).unwrap_err().line, 8);
        assert!(read(&file[..file.len() - 5], &trusted).is_err(), "half a checkpoint is none");
        assert!(read("— orders.example/log AAAA\n", &trusted).is_err());
    }
}
