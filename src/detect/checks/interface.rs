//! What a check implements.

use std::fmt;

use crate::detect::candidate::{Candidate, Rejection};
use crate::detect::check_settings::CheckSettings;

/// An offline test of a match: adjusts its confidence, adds evidence, or rejects it.
pub(in crate::detect) trait Check: Sync + fmt::Debug {
    /// Its name in rules.
    fn name(&self) -> &'static str;

    /// Assesses `candidate`: adds evidence, and may lower the confidence or shorten the secret.
    ///
    /// # Errors
    /// The reason why it is not a key.
    fn assess(&self, candidate: &mut Candidate<'_>, settings: &CheckSettings) -> Result<(), Rejection>;
}
