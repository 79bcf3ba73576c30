//! What an error of `SQLite` means to whoever called the store.

use rusqlite::{Error, ErrorCode, ffi};

use crate::engine::log::StoreError;

// The kind of a failure: wait, free some room, or have somebody look.
impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let said = error.to_string();
        // The index of the write-ahead log is grown by writing to it; SQLite keeps to itself that there was no room.
        if matches!(&error, Error::SqliteFailure(failure, _) if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
        {
            return Self::Full(format!(
                "no room beside the file for the index of its write-ahead log: {said}"
            ));
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(said),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(said),
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::SystemIoFailure
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationInterrupted,
            ) => Self::Unavailable(said),
            // Damage is plain; otherwise what is stored does not fit the statement, and waiting does not help either.
            _ => Self::Corrupt(said),
        }
    }
}

/// Whether the failure lies in what one commit would write, so that the others can go on.
pub(super) fn is_of_the_commit(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> StoreError {
        StoreError::from(Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn an_error_says_whether_to_wait_or_to_look() {
        assert!(matches!(of(ffi::SQLITE_FULL), StoreError::Full(_)));
        assert!(matches!(of(ffi::SQLITE_IOERR_SHMSIZE), StoreError::Full(_)));
        assert!(matches!(of(ffi::SQLITE_READONLY_DBMOVED), StoreError::ReadOnly(_)));
        assert!(matches!(of(ffi::SQLITE_BUSY_SNAPSHOT), StoreError::Unavailable(_)));
        assert!(matches!(of(ffi::SQLITE_IOERR_FSYNC), StoreError::Unavailable(_)));
        assert!(matches!(of(ffi::SQLITE_CORRUPT_INDEX), StoreError::Corrupt(_)));
        assert!(matches!(of(ffi::SQLITE_NOTADB), StoreError::Corrupt(_)));
        assert!(matches!(of(ffi::SQLITE_ERROR), StoreError::Corrupt(_)));
    }
}
