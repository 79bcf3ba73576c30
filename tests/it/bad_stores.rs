//! What is not a store, or not one for this binary, is refused by name and left as it was.

use std::{fs, path::Path};

use orderwire::{
    engine::log::StoreError,
    stores::{
        self, Migrate,
        sqlite::{SCHEMA_VERSION, SqliteLog},
    },
};

async fn refusal(path: &Path, migrate: Migrate) -> StoreError {
    SqliteLog::open(path, migrate).await.expect_err("it should not open")
}

/// A file with a schema and nothing in it, closed.
async fn made(path: &Path) {
    stores::migrate(path.to_str().unwrap()).await.unwrap();
}

#[tokio::test]
async fn nothing_is_created_without_leave_to_migrate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let older = StoreError::SchemaOlder { found: 0, known: SCHEMA_VERSION };
    assert_eq!(refusal(&path, Migrate::No).await, older);
    assert!(!path.exists());

    fs::write(&path, "").unwrap();
    assert_eq!(refusal(&path, Migrate::No).await, older);
    assert_eq!(fs::read(&path).unwrap(), [0; 0]);
    assert_eq!(SqliteLog::schema_version(&path).await, Ok(0));

    made(&path).await;
    assert_eq!(SqliteLog::schema_version(&path).await, Ok(SCHEMA_VERSION));
    stores::open(&format!("sqlite:{}", path.display()), Migrate::No).await.unwrap().close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.db");
    made(&path).await;
    let found = SCHEMA_VERSION + 1;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("INSERT INTO schema_migrations (version) VALUES (?1)", [found]).unwrap();
    connection.close().unwrap();
    let before = fs::read(&path).unwrap();
    for migrate in [Migrate::No, Migrate::Yes] {
        let newer = StoreError::SchemaNewer { found, known: SCHEMA_VERSION };
        assert_eq!(refusal(&path, migrate).await, newer);
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn what_is_no_database_is_corrupt_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    let letter = "Dear Sir or Madam, this is not a database. ".repeat(100);
    fs::write(&path, &letter).unwrap();
    for migrate in [Migrate::No, Migrate::Yes] {
        assert!(matches!(refusal(&path, migrate).await, StoreError::Corrupt(_)));
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);
}

#[tokio::test]
async fn a_folder_is_not_a_store() {
    let folder = tempfile::tempdir().unwrap();
    for migrate in [Migrate::No, Migrate::Yes] {
        assert!(matches!(refusal(folder.path(), migrate).await, StoreError::Unavailable(_)));
    }
    let nowhere = folder.path().join("no such folder").join("orders.db");
    assert!(matches!(refusal(&nowhere, Migrate::Yes).await, StoreError::Unavailable(_)));
    assert!(!nowhere.exists());
}

#[tokio::test]
async fn a_truncated_file_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.db");
    made(&path).await;
    let whole = fs::read(&path).unwrap();
    for length in [50, whole.len() / 4, whole.len() - 4_096] {
        fs::write(&path, &whole[..length]).unwrap();
        let outcome = async {
            let log = stores::open(path.to_str().unwrap(), Migrate::No).await?;
            let outcome = log.claim_count().await.and(log.checkpoint("reader").await);
            log.close().await;
            outcome
        };
        assert!(matches!(outcome.await, Err(StoreError::Corrupt(_))), "cut to {length} bytes");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_may_not_be_written_is_read_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked.db");
    made(&path).await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let outcome = SqliteLog::open(&path, Migrate::Yes).await;
    if fs::OpenOptions::new().append(true).open(&path).is_ok() {
        // Permissions do not bind root: then the file is not read-only, and must open.
        outcome.expect("the file can be written");
    } else {
        assert!(matches!(outcome, Err(StoreError::ReadOnly(_))));
    }
}

#[tokio::test]
async fn a_store_that_was_closed_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("closed.db");
    let log = SqliteLog::open(&path, Migrate::Yes).await.unwrap();
    let log: &dyn orderwire::engine::log::Log = &log;
    log.close().await;
    log.close().await;
    assert!(matches!(log.head().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(log.append(&[], 0).await, Err(StoreError::Unavailable(_))));
    let beside: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["closed.db"], "the write-ahead log was folded into the file");
}

#[tokio::test]
async fn a_store_of_another_kind_is_named() {
    assert!(stores::open("memory:", Migrate::No).await.is_ok());
    for store in
        ["mysql://carrier:hunter2@db/orders", "POSTGRES://db/orders", "file:///tmp/x", "", " ", "sqlite:"]
    {
        let refused = stores::open(store, Migrate::Yes).await.map(drop).unwrap_err();
        let StoreError::Unsupported(why) = refused else { panic!("{refused}") };
        assert!(why.contains("name a path") && !why.contains("hunter2"), "{why}");
    }
}

/// A small disk of its own, which only root may have.
#[cfg(target_os = "linux")]
struct SmallDisk(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|ran| ran.status.success()).then(|| Self(folder))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} stays mounted", self.0.path().display());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_named_as_full_when_a_store_is_opened() {
    use std::io::Write as _;

    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED: a disk of a few megabytes cannot be mounted here; run the tests as root");
        return;
    };
    let store = disk.0.path().join("orderwire.db").display().to_string();
    stores::migrate(&store).await.unwrap();
    let mut filler = std::fs::File::create(disk.0.path().join("filler")).unwrap();
    let full = (0..4_096).find_map(|_| filler.write_all(&[0; 1_024]).err()).unwrap();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let refused = stores::open(&store, Migrate::No).await.map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Full(_)), "{refused}");

    drop(filler);
    std::fs::remove_file(disk.0.path().join("filler")).unwrap();
    stores::open(&store, Migrate::No).await.unwrap().close().await;
}
