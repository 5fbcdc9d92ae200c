//! Connects an audit to its cache.

use std::path::Path;

use super::repository_audit::RepositoryAudit;
use super::search::{ObjectSearch, SweepMatch};
use super::{HistoryError, HistoryOptions};
use crate::cache::{Cache, CacheDigest, CleanContents};
use crate::git::{
    IdentifiedObjects, IdentifiedPack, ObjectDatabase, Repository, SweepOptions, SweepOutcome, cache_subject,
    sweep, sweep_with_cache,
};

impl RepositoryAudit<'_> {
    /// Sweeps the database, with the cache if there is one. `clean` are the containers in which an earlier audit found
    /// nothing. Also returns all objects, if each is in an identified pack, i.e. one whose digest was
    /// computed: under the digest of all of them, the cache keeps results that depend on the objects alone, such as the paths
    /// of unopened containers. The last value is the identified packs.
    pub(super) fn run_sweep(
        &self,
        database: &ObjectDatabase,
        search: &ObjectSearch<'_>,
        options: &SweepOptions<'_>,
        clean: Option<&CleanContents<'_>>,
    ) -> (SweepOutcome<SweepMatch>, Option<IdentifiedObjects>, Vec<IdentifiedPack>) {
        match self.cache() {
            Some(cache) if search.kinds.len() == ALL_KINDS => {
                // A container is identified by its pack and its id, without reading it.
                let is_clean = |pack: &CacheDigest, id: &[u8]| {
                    clean.is_some_and(|clean| clean.has(&CleanContents::place_digest(pack, id)))
                };
                let (outcome, mut update) = sweep_with_cache(database, search, options, (cache, &is_clean));
                let identified_objects = update.identified_objects.take();
                let identified_packs = std::mem::take(&mut update.identified_packs);
                if !outcome.cancelled {
                    update.keep(cache);
                }
                (outcome, identified_objects, identified_packs)
            }
            Some(cache) => {
                cache.note(format!(
                    "cache: {}: not used for packs, since --surfaces leaves out a kind of object",
                    database.name()
                ));
                (sweep(database, search, options), None, Vec::new())
            }
            None => (sweep(database, search, options), None, Vec::new()),
        }
    }
}

impl<'a> RepositoryAudit<'a> {
    /// The cache, if this audit uses one.
    pub(super) fn cache(&self) -> Option<&'a Cache> {
        usable_cache(self.options)
    }

    /// The containers in which an earlier audit found nothing.
    pub(super) fn clean_containers(&self) -> Option<CleanContents<'a>> {
        let database = ObjectDatabase::from_repo(self.repo);
        let load =
            |cache| CleanContents::load(cache, cache_subject(&database, "containers"), database.name());
        self.cache().map(load)
    }
}

/// The cache that the options name, unless it has no use.
fn usable_cache(options: &HistoryOptions) -> Option<&Cache> {
    // `full_objects` (the option `--whole`) exists to check the faster methods, so it uses no cache. Nor does an audit of a
    // range, which reads single objects and sweeps no packs.
    options.cache.as_deref().filter(|_| !options.full_objects && options.ranges.is_empty())
}

/// Blobs, trees, commits and tags.
const ALL_KINDS: usize = 4;

/// Checks that the cache is not within what is audited, where it would be audited itself, and
/// [prepares](Cache::prepare) it.
pub(super) fn prepare(options: &HistoryOptions, repo: &Repository) -> Result<(), HistoryError> {
    let Some(cache) = usable_cache(options) else { return Ok(()) };
    let repository_dirs = [repo.workdir(), Some(repo.git_dir()), Some(repo.common_dir())];
    let repository_dirs = repository_dirs.into_iter().flatten().map(Path::to_owned);
    // The object directories of alternates are not within the git directory.
    let objects = ObjectDatabase::from_repo(repo).directories();
    for dir in repository_dirs.chain(objects) {
        if cache.dir().starts_with(dir.canonicalize().unwrap_or(dir.clone())) {
            return Err(HistoryError::CacheInside { cache: cache.dir().to_owned(), audited: dir });
        }
    }
    Ok(cache.prepare()?)
}
