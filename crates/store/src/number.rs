//! Between our numbers and those both databases have.

use crate::StoreError;

/// Numbers above 2^63 do not occur: they count messages, bytes and milliseconds.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Unreadable("number"))
}

/// How many rows to ask for to know whether there are more than `limit`.
pub(crate) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}
