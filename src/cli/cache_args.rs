//! `--cache`: where to keep what an audit learned about packs.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;

use super::args::CacheArgs;
use super::message::say;
use super::session::Session;
use crate::cache::Cache;
use crate::model::Surface;
use crate::report::VERSION;

/// Raised when entries of the same version no longer count, because something else changed that decides what is found.
const SEARCH_VERSION: &str = "1";

impl CacheArgs {
    /// The cache for audits of these surfaces, if there is to be one.
    ///
    /// # Errors
    /// When the path of the directory cannot be resolved.
    pub(super) fn open(&self, session: &Session, surfaces: &BTreeSet<Surface>) -> Result<Option<Arc<Cache>>> {
        let Some(dir) = &self.cache else { return Ok(None) };
        let names: Vec<_> = surfaces.iter().map(|surface| surface.name()).collect();
        let limits = format!("{:?}", session.limits);
        let rules = session.effective.rules.digest();
        let settings = [SEARCH_VERSION, VERSION, rules, &limits, &names.join(",")];
        Ok(Some(Arc::new(Cache::new(dir, &settings)?)))
    }
}

/// Says what the cache did, if `verbose` asks for it.
pub(super) fn print_notes(cache: Option<&Arc<Cache>>, verbose: bool) {
    if let Some(cache) = cache.filter(|_| verbose) {
        cache.take_notes().iter().for_each(|note| say(note));
    }
}
