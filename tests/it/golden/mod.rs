//! What is stored for good, as files: read by the code of today, and written again byte for byte.
//!
//! A file is never changed: a new shape gets a new version and a file beside the old one. `ORDERWIRE_BLESS=1` writes the
//! files that do not exist yet, and touches none that does.

mod events;
mod history;
mod leaf;
mod lifecycles;
mod rare;

use std::path::PathBuf;

/// A file of this repository.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub fn bless() -> bool {
    std::env::var_os("ORDERWIRE_BLESS").is_some()
}

/// The text of a golden file; where there is none yet and it may be written, what it would say now.
#[track_caller]
pub fn golden(name: &str, now: impl FnOnce() -> Option<String>) -> String {
    let path = path(name);
    if let Ok(text) = std::fs::read_to_string(&path) {
        return text;
    }
    assert!(bless(), "{name} is missing; ORDERWIRE_BLESS=1 writes it");
    let text = now().unwrap_or_else(|| panic!("there is no example for {name} yet"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &text).unwrap();
    text
}

/// A golden file says exactly this.
#[track_caller]
pub fn same(name: &str, now: &str) {
    let before = golden(name, || Some(now.to_owned()));
    assert_eq!(before, now, "{name} is not what the code says now");
}
