//! What outlives the page.

use thiserror::Error;

/// Something could not be stored or read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The browser lets this page store nothing.
    #[error("the browser lets this page store nothing")]
    Denied,
}
