//! Reports what is missing from HEAD's tree, and finds its submodules. That reads all of its subtrees, so the cache records that
//! a tree is complete and has no submodules.
//!
//! Both follow from the commit and the objects. If these are as they were when an earlier audit read the tree, its result is
//! still right.

use super::repository_audit::RepositoryAudit;
use crate::cache::CacheDigest;
use crate::git::{self, HeadTree, IdentifiedObjects, ObjectDatabase, ObjectId, cache_subject};
use crate::model::Surface;

impl RepositoryAudit<'_> {
    /// Reports objects that HEAD's tree names and that cannot be read, and records its submodules. If the
    /// objects of the repository are identified, and the cache records that with them the tree is complete and has no submodules,
    /// the tree is not read again.
    pub(super) fn check_head_tree(&mut self, objects: Option<&IdentifiedObjects>) {
        let Some(commit) = git::head_commit(self.repo) else { return };
        let database = ObjectDatabase::from_repo(self.repo);
        let cached = self.cache().zip(objects).map(|(cache, objects)| {
            (cache, cache_subject(&database, "head tree"), basis(&commit, objects), objects)
        });
        if let Some((cache, subject, basis, _)) = &cached
            && cache.load(subject).is_some_and(|known| known == *basis)
        {
            cache.note(format!("cache: {}: HEAD's tree, read by an earlier audit", database.name()));
            return;
        }
        let HeadTree { missing, submodules, read } = git::walk_head_tree(self.repo, commit);
        if let Some((cache, subject, basis, objects)) = cached
            && missing.is_empty()
            && submodules.is_empty()
            && objects.are_unique_among(&read)
            && objects.are_unchanged(&database)
        {
            cache.store(&subject, &basis);
        }
        if self.wants(Surface::Blob) {
            self.outcome.coverage.skipped.extend(missing.into_skips());
        }
        self.submodules.extend(submodules);
    }
}

/// What the result follows from.
fn basis(commit: &ObjectId, objects: &IdentifiedObjects) -> CacheDigest {
    let mut digest = blake3::Hasher::new();
    digest.update(&objects.digest).update(commit.as_bytes());
    digest.finalize().into()
}
