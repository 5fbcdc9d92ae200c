//! What is redacted in messages: matches of rules, of rules in configuration files, and known keys. All of it is
//! collected as soon as it is known, and loaded only when there is a message.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::model::Secret;

/// Global, since the handlers of panics and usage errors have no access to anything else.
static SOURCES: Mutex<RedactionSources> =
    Mutex::new(RedactionSources { rules: Vec::new(), configs: Vec::new(), keys: Vec::new() });

#[derive(Clone)]
pub(super) struct RedactionSources {
    /// Files of rules.
    pub(super) rules: Vec<PathBuf>,
    /// Configuration files, which may name files of rules.
    pub(super) configs: Vec<PathBuf>,
    /// Keys that the user entered.
    pub(super) keys: Vec<Secret>,
}

fn with_sources<T>(act: impl FnOnce(&mut RedactionSources) -> T) -> T {
    act(&mut SOURCES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// From now on, messages are redacted by the rules in these files, too.
pub(super) fn redact_by_rules(files: &[PathBuf]) {
    with_sources(|sources| sources.rules.extend_from_slice(files));
}

/// From now on, messages are redacted by the rules that this configuration names, too.
pub(super) fn redact_by_config(file: &Path) {
    with_sources(|sources| sources.configs.push(file.to_owned()));
}

/// From now on, this key is redacted in messages.
pub(super) fn redact_key(key: &[u8]) {
    with_sources(|sources| sources.keys.push(Secret::new(key.to_vec(), 0)));
}

/// Everything collected so far.
pub(super) fn sources() -> RedactionSources {
    with_sources(|sources| sources.clone())
}
