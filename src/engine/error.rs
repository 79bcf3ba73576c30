//! Why a command or a query did not do what was asked.

use orderwire_domain::{decider::IllegalEvent, refusal::Reason};

use super::{log::StoreError, sealing::SealingError};

/// Why the engine did not do what was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The rules speak against it; nothing was changed, and asking again in the same way changes nothing.
    #[error("refused: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Reason>),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Something had happened to what the caller saw; nothing was changed.
    #[error("{stream} is not at {expected} any more")]
    Precondition {
        /// The stream.
        stream: String,
        /// The sequence that the caller saw.
        expected: u64,
    },
    /// Others kept changing what this rests on; nothing was changed, and it may be asked again.
    #[error("what the command rests on kept changing; nothing was done after {attempts} attempts")]
    Conflict {
        /// How often it was decided.
        attempts: u32,
    },
    /// More commands wait than the engine takes in; nothing was changed, and it may be asked again a little later.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The history cannot be right.
    #[error("the history of {stream} cannot be right: {detail}")]
    Corrupt {
        /// The stream.
        stream: String,
        /// What is wrong.
        detail: String,
    },
    /// A reader stopped, because it could not go on.
    #[error("the reader `{reader}` has stopped: {detail}")]
    ReaderStopped {
        /// Which.
        reader: String,
        /// Why.
        detail: String,
    },
    /// Code that the embedder brought panicked.
    #[error("{part} panicked: {said}")]
    Panicked {
        /// Which code.
        part: String,
        /// What the panic said.
        said: String,
    },
    /// Code that the embedder brought did not answer in time.
    #[error("{part} was silent for {waited_secs} seconds")]
    Silent {
        /// Which code.
        part: String,
        /// How long it was waited for.
        waited_secs: u64,
    },
    /// A reader was not there in time.
    #[error("the reader `{reader}` is at {reached}, not yet at {wanted}")]
    NotThereYet {
        /// Which.
        reader: String,
        /// Where it is.
        reached: u64,
        /// Where it should be.
        wanted: u64,
    },
    /// A read model is being rebuilt by another process.
    #[error("the reader `{reader}` is being rebuilt by another process")]
    RebuildUnderWay {
        /// Which.
        reader: String,
    },
    /// Personal data could not be sealed or opened.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// The engine was closed.
    #[error("the engine is closed")]
    Closed,
}

/// What a caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller's: asking again in the same way changes nothing.
    Refused,
    /// Try again.
    Conflict,
    /// Somebody must look.
    Corrupt,
    /// Wait.
    Unavailable,
}

impl ErrorKind {
    /// Its name, for what is counted.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Corrupt => "corrupt",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(_) | Self::KeyReused | Self::Precondition { .. } => ErrorKind::Refused,
            Self::Conflict { .. } | Self::RebuildUnderWay { .. } => ErrorKind::Conflict,
            Self::Corrupt { .. }
            | Self::Panicked { .. }
            | Self::Silent { .. }
            | Self::ReaderStopped { .. }
            | Self::Store(StoreError::Corrupt(_)) => ErrorKind::Corrupt,
            Self::Sealing(SealingError::Store(_))
            | Self::Store(_)
            | Self::Overloaded
            | Self::NotThereYet { .. }
            | Self::Closed => ErrorKind::Unavailable,
            Self::Sealing(_) => ErrorKind::Corrupt,
        }
    }

    /// An event that is no step of its aggregate.
    pub fn illegal(stream: impl std::fmt::Display, event: &IllegalEvent) -> Self {
        Self::Corrupt { stream: stream.to_string(), detail: event.to_string() }
    }

    /// The reasons of a refusal; of anything else none.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Refused(reasons) => reasons,
            _ => &[],
        }
    }
}
