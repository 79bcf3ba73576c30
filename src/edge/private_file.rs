//! Files that only their owner can read, such as those of keys.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use uuid::Uuid;

/// Makes a file of a line, or of several, whole or not at all, with the folder that it is in. Answers whether it did: a file that is
/// there already stays as it is.
pub fn make(path: &Path, lines: &str) -> io::Result<bool> {
    let draft = draft(path, lines)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    sync_folder(path)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a file of these lines, or puts it in the place of the one that is there: whole or not at all.
pub fn replace(path: &Path, lines: &str) -> io::Result<()> {
    let draft = draft(path, lines)?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

/// A durable file beside the one that is to be.
fn draft(path: &Path, lines: &str) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_file_name(format!(
        "{}.{}.new",
        path.file_name().unwrap_or_default().to_string_lossy(),
        Uuid::now_v7().simple()
    ));
    write(&draft, lines)?;
    Ok(draft)
}

fn write(path: &Path, lines: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{lines}")?;
    file.sync_all()
}

/// Makes the name of a file durable too: a store must not outlive its key.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
