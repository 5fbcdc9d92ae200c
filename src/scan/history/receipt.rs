//! Records the coverage of an audit, and what is missing from the repository.

use std::collections::BTreeMap;

use super::repository_audit::RepositoryAudit;
use crate::git::refs::{Refs, Tip, TipKind};
use crate::git::{self, ObjectId, ObjectKind};
use crate::model::Skip;
use crate::scan::skip_limit::first_and_rest;

impl RepositoryAudit<'_> {
    /// Fills in the coverage that is known before anything is read.
    pub(super) fn record_coverage(&mut self, refs: &Refs) {
        let coverage = &mut self.outcome.coverage;
        coverage.refs += refs.tips.len() as u64;
        coverage.surfaces.extend(self.options.surfaces.iter().copied());
        if let Some(reason) = git::shallow_reason(self.repo) {
            coverage.skipped.insert(Skip::new("commits beyond the shallow boundary", reason));
        }
        // Otherwise the sweep notices missing objects.
        let kinds = self.options.object_kinds();
        let checks_links = [ObjectKind::Commit, ObjectKind::Tree].iter().all(|kind| kinds.contains(kind));
        if let Some(reason) = git::partial_reason(self.repo).filter(|_| !checks_links) {
            coverage.skipped.insert(Skip::new("objects of a partial clone", reason));
        }
    }

    /// Reports refs whose target is not in the repository. The sweep notices only missing objects that other objects name.
    /// `unpacked` are the [`targets`] that no pack lists.
    pub(super) fn report_broken_refs(&mut self, refs: &Refs, unpacked: &[ObjectId]) {
        let missing: Vec<ObjectId> = unpacked.iter().filter(|id| !self.objects.has(id)).copied().collect();
        let broken =
            refs.tips.iter().filter(|tip| is_ref(tip)).filter(|tip| missing.binary_search(&tip.id).is_ok());
        let skips = broken.map(|tip| {
            Skip::new(&*tip.name, format!("points at {}, which is not in the repository", tip.id))
        });
        let skips = first_and_rest(skips, |more| {
            Skip::new(format!("{more} more refs"), "point at objects that are not in the repository")
        });
        self.outcome.coverage.skipped.extend(skips);
    }

    /// Reports objects that may name others that were not looked up, with the reason.
    pub(super) fn report_unchecked_objects(&mut self, unchecked: &BTreeMap<ObjectId, &'static str>) {
        let skipped = &mut self.outcome.coverage.skipped;
        let is_new =
            |(id, _): &(&ObjectId, _)| !skipped.iter().any(|skip| skip.what.ends_with(&id.to_string()));
        let skips =
            unchecked.iter().filter(is_new).map(|(id, reason)| Skip::new(format!("object {id}"), *reason));
        let skips = first_and_rest(skips, |more| {
            let reason = "malformed or very large, so that not all objects that they name may have been looked up; run `git \
                          fsck` for details";
            Skip::new(format!("{more} more objects"), reason)
        });
        skipped.extend(skips);
    }

    /// Reports objects that other objects refer to but that do not exist, so they cannot have been scanned. Below a
    /// shallow boundary this is normal and reported already.
    pub(super) fn report_missing_objects(&mut self, named: &[ObjectId]) {
        if git::shallow_reason(self.repo).is_some() {
            return;
        }
        let missing: Vec<&ObjectId> = named.iter().filter(|id| !self.objects.has(id)).collect();
        let skipped = &mut self.outcome.coverage.skipped;
        if let Some(reason) = git::partial_reason(self.repo) {
            if !missing.is_empty() {
                let what = format!(
                    "{} object{} of a partial clone",
                    missing.len(),
                    if missing.len() == 1 { "" } else { "s" }
                );
                skipped.insert(Skip::new(what, reason));
            }
            return;
        }
        let is_new = |id: &&&ObjectId| !skipped.iter().any(|skip| skip.what.ends_with(&id.to_string()));
        let missing = missing.iter().filter(is_new).map(|id| Skip::new(format!("object {id}"), MISSING));
        skipped.extend(first_and_rest(missing, |more| Skip::new(format!("{more} more objects"), MISSING)));
    }
}

/// The ids of the objects that refs point at, sorted, each once.
pub(super) fn targets(refs: &Refs) -> Vec<ObjectId> {
    let mut ids: Vec<ObjectId> = refs.tips.iter().filter(|tip| is_ref(tip)).map(|tip| tip.id).collect();
    let leading = |id: &ObjectId| id.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    // To compare numbers is several times as fast as to compare ids.
    ids.sort_unstable_by(|left, right| leading(left).cmp(&leading(right)).then_with(|| left.cmp(right)));
    ids.dedup();
    ids
}

/// Whether it is a ref, as opposed to a detached HEAD or a pseudoref.
fn is_ref(tip: &Tip) -> bool {
    tip.kind == TipKind::Ref
}

/// Why an object that others refer to was not scanned.
const MISSING: &str = "a tree, commit or tag names it, and the object database lacks it; `git fsck` gives details, `git fetch` may fetch it";
