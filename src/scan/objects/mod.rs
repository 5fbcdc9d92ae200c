//! Git objects under the detector: searching them by id, and finding a secret's place in one.

mod find;
mod locate;

use std::sync::Arc;

use crate::model::Identified;

pub(super) use find::{nameless, search};
pub(super) use locate::SecretLocator;

/// What is kept of a match. Thousands of versions of a file may share one.
pub(super) type SharedKey = Arc<Identified>;
