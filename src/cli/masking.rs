//! What is masked in messages: matches of rules, of rules in configuration files, and known keys. These are collected
//! as soon as they are known, and loaded only when there is a message.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::model::Secret;

/// Global, since the handlers of panics and usage errors have no access to anything else.
static MASKED_BY: Mutex<MaskedBy> =
    Mutex::new(MaskedBy { rules: Vec::new(), configs: Vec::new(), keys: Vec::new() });

#[derive(Clone)]
pub(super) struct MaskedBy {
    /// Files of rules.
    pub(super) rules: Vec<PathBuf>,
    /// Files of configuration, which name others.
    pub(super) configs: Vec<PathBuf>,
    /// Keys that the user entered.
    pub(super) keys: Vec<Secret>,
}

fn masked_by<T>(act: impl FnOnce(&mut MaskedBy) -> T) -> T {
    act(&mut MASKED_BY.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Messages are masked by the rules in these files, too.
pub(super) fn mask_by_rules(files: &[PathBuf]) {
    masked_by(|by| by.rules.extend_from_slice(files));
}

/// Messages are masked by the rules that this configuration names, too.
pub(super) fn mask_by_config(file: &Path) {
    masked_by(|by| by.configs.push(file.to_owned()));
}

/// Masks this key in messages.
pub(super) fn mask_key(key: &[u8]) {
    masked_by(|by| by.keys.push(Secret::new(key.to_vec(), 0)));
}

/// Everything collected so far.
pub(super) fn collected() -> MaskedBy {
    masked_by(|by| by.clone())
}
