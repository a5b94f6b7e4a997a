//! Errors of SQLite as errors of the port.

use oos_core::{ExecutionId, ports::store::StoreError};
use rusqlite::{Error, ErrorCode};

/// What an error of SQLite means to a caller: the file is damaged, or it cannot be had now.
pub(crate) fn sql(error: Error) -> StoreError {
    let text = error.to_string().replace('\n', " ");
    let damaged = match &error {
        Error::SqliteFailure(cause, _) => {
            matches!(cause.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => true,
        _ => false,
    };
    if damaged { StoreError::Corrupt(text.into()) } else { StoreError::Unavailable(text.into()) }
}

pub(crate) fn not_found(id: &ExecutionId) -> StoreError {
    StoreError::NotFound(format!("execution {id}").into())
}

pub(crate) fn fenced(id: &ExecutionId, reason: String) -> StoreError {
    StoreError::Fenced { id: id.clone(), reason: reason.into() }
}

pub(crate) fn corrupt(what: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(what.to_string().into())
}

/// The store's threads are gone.
pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

/// A count as SQLite keeps it.
pub(crate) fn to_sql(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Refused(format!("the number {number} is too large to keep").into()))
}

/// A count as SQLite kept it.
pub(crate) fn from_sql(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| corrupt(format_args!("{number} where a count belongs")))
}
