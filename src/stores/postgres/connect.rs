//! Reaching the server: what every connection asks of it, and what its errors mean to the engine.

use std::{str::FromStr as _, time::Duration};

use sqlx::{
    ConnectOptions as _, PgConnection,
    postgres::{PgConnectOptions, PgDatabaseError, PgSeverity},
};

use crate::engine::log::StoreError;

/// How long anything waits for a connection: longer, and a caller is better told to come back.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// `PostgreSQL` 14 is the oldest that its makers still mend.
const SERVER_VERSION_MIN: i32 = 140_000;

/// The settings under which nothing a frozen process holds is held for longer than five seconds.
const TIMEOUTS: [(&str, &str); 3] =
    [("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "5s"), ("statement_timeout", "5s")];

/// Everything looked up has an index on exactly that. A prepared statement keeps its plan, and one made while the tables
/// were small must not scan them once they are large. Nothing here runs long enough to be worth compiling.
const PLANS: [(&str, &str); 4] =
    [("jit", "off"), ("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off")];

/// One plan for good: planning a statement of the hot path takes longer than running it.
const PLANNED_ONCE: [(&str, &str); 1] = [("plan_cache_mode", "force_generic_plan")];

/// Where the database is and how to get in. Its own texts never contain the password.
#[derive(Clone, Debug)]
pub(super) struct Server {
    options: PgConnectOptions,
}

impl Server {
    pub(super) fn from_url(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| {
                StoreError::Unavailable(format!("not the URL of a PostgreSQL database: {error}"))
            })?
            .application_name("orderwire")
            // The server's own default may be stricter, and then a lost race would look like a failure.
            .options([("default_transaction_isolation", "read\\ committed")]);
        // Statements carry events; they belong into the database, not into a log file.
        Ok(Self { options: options.disable_statement_logging() })
    }

    /// `host:port/database`, for messages.
    fn name(&self) -> String {
        let database = self.options.get_database().unwrap_or(self.options.get_username());
        match self.options.get_socket() {
            Some(socket) => format!("{}/{database}", socket.display()),
            None => format!("{}:{}/{database}", self.options.get_host(), self.options.get_port()),
        }
    }

    /// A connection for everything but appends. Its statements are planned once too, unless the server finds that a plan for
    /// the values is much better: what is rare is known only of them, and a plan for any value may read a whole table.
    pub(super) async fn read_connection(&self) -> Result<PgConnection, StoreError> {
        let settings = [TIMEOUTS[0], TIMEOUTS[1], PLANS[0], PLANS[1]];
        self.connection(self.options.clone().options(settings)).await
    }

    /// A connection for appends.
    pub(super) async fn append_connection(&self) -> Result<PgConnection, StoreError> {
        self.connection(self.options.clone().options(TIMEOUTS).options(PLANS).options(PLANNED_ONCE)).await
    }

    /// A connection for migrations, which may take as long as they take.
    pub(super) async fn plain_connection(&self) -> Result<PgConnection, StoreError> {
        self.connection(self.options.clone()).await
    }

    async fn connection(&self, options: PgConnectOptions) -> Result<PgConnection, StoreError> {
        match tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => {
                Err(StoreError::Unavailable(format!("cannot connect to {}: {error}", self.name())))
            }
            Err(_) => Err(StoreError::Unavailable(format!("{} did not answer in time", self.name()))),
        }
    }
}

/// Refuses a server that this store cannot work on.
pub(super) async fn check_server(connection: &mut PgConnection) -> Result<(), StoreError> {
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
               current_setting('server_encoding')";
    let (number, version, encoding): (i32, String, String) =
        sqlx::query_as(sql).fetch_one(connection).await.map_err(|error| store_error(&error))?;
    if number < SERVER_VERSION_MIN {
        return Err(StoreError::Unsupported(format!("PostgreSQL {version}; 14 or newer is needed")));
    }
    if encoding != "UTF8" {
        return Err(StoreError::Unsupported(format!("a database encoded in {encoding}; UTF8 is needed")));
    }
    Ok(())
}

/// What a failed statement means to the engine.
pub(super) fn store_error(error: &sqlx::Error) -> StoreError {
    let sqlx::Error::Database(refusal) = error else {
        return match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                StoreError::Corrupt(error.to_string())
            }
            _ => StoreError::Unavailable(error.to_string()),
        };
    };
    let message = refusal.message().to_owned();
    match refusal.code().as_deref() {
        Some("25006") => StoreError::ReadOnly(message),
        Some("53100") => StoreError::Full(message),
        Some("42501") => StoreError::Unavailable(message),
        // A table or column that is not there, or a value that cannot be.
        Some(code) if matches!(&code[..2.min(code.len())], "42" | "22" | "23" | "XX") => {
            StoreError::Corrupt(format!("{message} ({code})"))
        }
        _ => StoreError::Unavailable(message),
    }
}

/// Whether the server may have done what was asked although it did not say so.
///
/// Only an error by which the server ended the statement, and not the session, says that nothing was done.
pub(super) fn is_outcome_unknown(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(refusal) => {
            refusal.downcast_ref::<PgDatabaseError>().severity() != PgSeverity::Error
        }
        _ => true,
    }
}

/// Whether the connection was already gone, so that a read may be repeated on another.
pub(super) fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => is_outcome_unknown(error),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

/// Whether what was asked is itself at fault: a value, a constraint or a size that the server refuses every time.
pub(super) fn is_refused_for_good(error: &sqlx::Error) -> bool {
    let class = |refusal: &dyn sqlx::error::DatabaseError| {
        refusal.code().is_some_and(|code| matches!(code.get(..2), Some("21" | "22" | "23" | "54")))
    };
    match error {
        sqlx::Error::Database(refusal) => class(refusal.as_ref()),
        sqlx::Error::Encode(_) => true,
        _ => false,
    }
}
