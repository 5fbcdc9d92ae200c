//! Searches git objects by id, and locates secrets in them.

mod find;
mod locate;

use std::sync::Arc;

use crate::model::DetectedKey;

pub(super) use find::{SearchOptions, blob_name, search};
pub(super) use locate::SecretLocator;

/// A detected key, which thousands of versions of a file may share.
pub(super) type SharedKey = Arc<DetectedKey>;
