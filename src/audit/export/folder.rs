//! Writing an export into a folder, so that one which was cut can go on.
//!
//! A part is written under a temporary name, made durable, and renamed; then the manifest, which names it, likewise. Whatever is
//! cut leaves whole parts and a manifest of them, and perhaps a part that no manifest names, which is written again.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{Encoding, Filter, MANIFEST, Manifest, Part, Source, Stand, csv_heading, written};
use crate::{
    audit::proofs::{self, ProvingError},
    edge,
    engine::{Engine, Error, leaf::hex, log::StoredEvent},
};

/// Events of a part, where nobody says: some hundred megabytes.
pub const PART_EVENTS: u64 = 100_000;

/// Why an export was not written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Files are only written where there are none.
    #[error("{} is not empty; name another folder, or go on with an export that was cut there (--resume)", .0.display())]
    NotEmpty(PathBuf),
    /// There is nothing to go on with.
    #[error("{} has no export that could be gone on with: {why}", folder.display())]
    Nothing {
        /// Where.
        folder: PathBuf,
        /// Why not.
        why: String,
    },
    /// What is there is another export.
    #[error("the export in {} has another {what}: it was begun with {begun}", folder.display())]
    Other {
        /// Where.
        folder: PathBuf,
        /// In what it differs.
        what: &'static str,
        /// As it was begun.
        begun: String,
    },
    /// A file cannot be written or read.
    #[error("{}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The log, or what is wanted of it.
    #[error(transparent)]
    Edge(#[from] edge::Error),
}

impl From<Error> for FolderError {
    fn from(error: Error) -> Self {
        Self::Edge(error.into())
    }
}

/// A folder with an export that is not done.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    manifest: Manifest,
}

/// Begins an export in a folder, which must be empty or not be there.
pub async fn begin(
    engine: &Engine,
    path: &Path,
    (encoding, filter): (Encoding, Filter),
    log: Stand,
    part_events: u64,
) -> Result<Folder, FolderError> {
    let to = filter.check(engine, log.size).await?;
    let failed = |source| FolderError::File { file: path.to_owned(), source };
    fs::create_dir_all(path).map_err(failed)?;
    if fs::read_dir(path).map_err(failed)?.next().is_some() {
        return Err(FolderError::NotEmpty(path.to_owned()));
    }
    let manifest = Manifest::begun(encoding, filter, log, to, part_events.max(1));
    let folder = Folder { path: path.to_owned(), manifest };
    folder.keep()?;
    Ok(folder)
}

/// Goes on with an export that was cut; what is asked for has to be what it was begun with, and the log the same.
pub async fn resume(
    engine: &Engine,
    path: &Path,
    (encoding, filter): (Encoding, Filter),
) -> Result<Folder, FolderError> {
    let nothing = |why: String| FolderError::Nothing { folder: path.to_owned(), why };
    let text =
        fs::read_to_string(path.join(MANIFEST)).map_err(|error| nothing(format!("{MANIFEST}: {error}")))?;
    let manifest = Manifest::read(&text).map_err(nothing)?;
    let other = |what, begun: String| FolderError::Other { folder: path.to_owned(), what, begun };
    if manifest.encoding != encoding {
        return Err(other("encoding", manifest.encoding.to_string()));
    }
    if manifest.filter != filter {
        let begun = serde_json::to_string(&manifest.filter).expect("a filter has string keys only");
        return Err(other("filter", begun));
    }
    let root = match proofs::root_at(engine, manifest.log.size).await {
        Ok(root) => hex(&root),
        Err(ProvingError::Engine(error)) => return Err(error.into()),
        Err(shorter) => return Err(other("log", format!("{} events, and {shorter}", manifest.log.size))),
    };
    if root != manifest.log.root {
        return Err(other("log", format!("the root {}", manifest.log.root)));
    }
    Ok(Folder { path: path.to_owned(), manifest })
}

impl Folder {
    /// How far it is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Writes what is left, and says after each part how far it is.
    pub async fn write(
        mut self,
        engine: &Engine,
        mut said: impl FnMut(&Manifest),
    ) -> Result<Manifest, FolderError> {
        let Manifest { filter, through, to, .. } = &self.manifest;
        let mut source = Source::open(engine, filter, *through, *to).await?;
        let mut part = None;
        while let Some(page) = source.page(engine).await? {
            let last = page.last().map_or(0, |event| event.position);
            for event in page {
                let position = event.position;
                let open = match part.take() {
                    Some(open) => open,
                    None => Open::new(&self.path, &self.manifest)?,
                };
                let open = open.take(&event, self.manifest.encoding)?;
                if open.part.events < self.manifest.part_events {
                    part = Some(open);
                    continue;
                }
                // What else was looked at of this page comes with the next part, unless there is nothing else.
                let through = if position == last { source.through() } else { position };
                self.close(open, through)?;
                said(&self.manifest);
            }
        }
        if let Some(open) = part {
            self.close(open, source.through())?;
        }
        self.manifest.through = source.through();
        self.manifest.complete = true;
        self.keep()?;
        said(&self.manifest);
        Ok(self.manifest)
    }

    fn close(&mut self, open: Open, through: u64) -> Result<(), FolderError> {
        let part = open.close(&self.path)?;
        self.manifest.events += part.events;
        self.manifest.through = through;
        self.manifest.parts.push(part);
        self.keep()
    }

    /// Makes the manifest durable.
    fn keep(&self) -> Result<(), FolderError> {
        let beside = self.path.join("manifest.json.tmp");
        let file = || FolderError::path(&beside);
        let mut open = File::create(&beside).map_err(file())?;
        open.write_all(self.manifest.to_json().as_bytes()).and_then(|()| open.sync_all()).map_err(file())?;
        settle(&self.path, &beside, MANIFEST)
    }
}

impl FolderError {
    fn path(file: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::File { file, source }
    }
}

/// Gives a file that is durable its name, and makes that durable.
fn settle(folder: &Path, beside: &Path, name: &str) -> Result<(), FolderError> {
    fs::rename(beside, folder.join(name)).map_err(FolderError::path(beside))?;
    File::open(folder).and_then(|it| it.sync_all()).map_err(FolderError::path(folder))
}

/// A part that is being written.
struct Open {
    beside: PathBuf,
    file: BufWriter<File>,
    sum: Sha256,
    part: Part,
}

impl Open {
    fn new(folder: &Path, manifest: &Manifest) -> Result<Self, FolderError> {
        let name = manifest.part_name(manifest.parts.len() + 1);
        let beside = folder.join(format!("{name}.tmp"));
        let file = BufWriter::new(File::create(&beside).map_err(FolderError::path(&beside))?);
        let part = Part { file: name, events: 0, first: 0, last: 0, bytes: 0, sha256: String::new() };
        let open = Self { beside, file, sum: Sha256::new(), part };
        if manifest.encoding == Encoding::Csv { open.put(&csv_heading()) } else { Ok(open) }
    }

    fn put(mut self, text: &str) -> Result<Self, FolderError> {
        self.file.write_all(text.as_bytes()).map_err(FolderError::path(&self.beside))?;
        self.sum.update(text);
        self.part.bytes += text.len() as u64;
        Ok(self)
    }

    fn take(mut self, event: &StoredEvent, encoding: Encoding) -> Result<Self, FolderError> {
        if self.part.events == 0 {
            self.part.first = event.position;
        }
        self.part.last = event.position;
        self.part.events += 1;
        self.put(&written(event, encoding)?)
    }

    fn close(self, folder: &Path) -> Result<Part, FolderError> {
        let Self { beside, file, sum, mut part } = self;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_all()).map_err(FolderError::path(&beside))?;
        settle(folder, &beside, &part.file)?;
        part.sha256 = hex(&sum.finalize());
        Ok(part)
    }
}
