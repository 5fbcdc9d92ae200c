//! `--cache`: where to keep facts about searched packs.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;

use super::args::CacheArgs;
use super::message::{redact_message, say};
use super::session::Session;
use crate::cache::Cache;
use crate::model::Surface;
use crate::report::VERSION;

/// To be raised when something changes that the other settings do not cover, so that entries of the same release become
/// invalid.
const SEARCH_VERSION: &str = "2";

impl CacheArgs {
    /// The cache for audits of these surfaces, if `--cache` is given.
    ///
    /// # Errors
    /// If the path of the directory cannot be resolved.
    pub(super) fn open(&self, session: &Session, surfaces: &BTreeSet<Surface>) -> Result<Option<Arc<Cache>>> {
        let Some(dir) = &self.cache else { return Ok(None) };
        let names: Vec<_> = surfaces.iter().map(|surface| surface.name()).collect();
        let limits = format!("{:?}", session.limits);
        let rules = session.effective_settings.rules.digest();
        let settings = [SEARCH_VERSION, VERSION, rules, &limits, &names.join(",")];
        Ok(Some(Arc::new(Cache::new(dir, &settings)?)))
    }

    /// Returns no cache, since the commits of a range are searched anyway. If `warns`, a message says that `--cache` has no
    /// effect.
    pub(super) fn ignore_for_range(&self, warns: bool) -> Option<Arc<Cache>> {
        self.ignore("--cache is not used for a range of commits, which are always searched", warns)
    }

    /// Like [`Self::ignore_for_range`], for `--whole`.
    pub(super) fn ignore_for_whole(&self, warns: bool) -> Option<Arc<Cache>> {
        self.ignore("--cache is not used with --whole, which searches every object", warns)
    }

    fn ignore(&self, message: &str, warns: bool) -> Option<Arc<Cache>> {
        if self.cache.is_some() && warns {
            say(message);
        }
        None
    }
}

/// Prints the notes of the cache if `verbose`. Notes name paths, which may contain what looks like a key.
pub(super) fn print_notes(cache: Option<&Arc<Cache>>, verbose: bool) {
    let notes = cache.filter(|_| verbose).map(|cache| cache.take_notes()).unwrap_or_default();
    if !notes.is_empty() {
        say(&redact_message(&Vec::from_iter(notes).join("\n")));
    }
}
