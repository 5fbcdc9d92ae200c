//! Plans which refs are carried over, and under which names.

use std::collections::HashSet;

use super::cleanse::{StillFound, cleanse};
use super::error::PurgeError;
use super::fill::Treatment;
use super::names::first_free_name;
use super::purged_keys::PurgedKeys;
use super::request_refs::is_request_ref;
use super::rewriter::PurgedPlace;
use crate::detect::Detector;
use crate::git::ObjectId;
use crate::git::refs::{Refs, Tip, TipKind, is_valid_ref_name};
use crate::model::Surface;

/// A ref that is carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CarriedRef {
    pub(super) name: String,
    pub(super) new_name: String,
    /// The target in the old repository.
    pub(super) id: ObjectId,
    /// For a symbolic ref, the new name of the ref that it points to.
    pub(super) target: Option<String>,
}

/// What HEAD points to in the new repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NewHead {
    Branch(String),
    /// The target in the old repository.
    Detached(ObjectId),
}

/// Which refs are carried over, and how many of each kind are not.
#[derive(Debug)]
pub(super) struct RefPlan {
    /// Sorted by name.
    pub(super) refs: Vec<CarriedRef>,
    pub(super) head: NewHead,
    /// Purged keys in names of refs.
    pub(super) places: Vec<PurgedPlace>,
    /// How many refs below refs/replace/ are not carried over; the fields below count other kinds.
    pub(super) replace_refs: u64,
    pub(super) stash_refs: u64,
    /// Refs that belong to one work tree.
    pub(super) work_tree_refs: u64,
    /// Pseudorefs such as ORIG_HEAD.
    pub(super) pseudo_refs: u64,
    /// Refs whose name or target is not a valid ref name. HEAD may be one of them.
    pub(super) misnamed_refs: u64,
}

/// Prefixes of refs that belong to one work tree.
const WORK_TREE_PREFIXES: [&str; 3] = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"];

/// Prefix of the refs of notes.
pub(super) const NOTES_PREFIX: &str = "refs/notes/";

impl RefPlan {
    pub(super) fn new(refs: &Refs, keys: &PurgedKeys, detector: &Detector) -> Result<Self, PurgeError> {
        let mut plan = Self {
            refs: Vec::new(),
            head: NewHead::Branch("refs/heads/main".to_owned()),
            places: Vec::new(),
            replace_refs: 0,
            stash_refs: 0,
            work_tree_refs: 0,
            pseudo_refs: 0,
            misnamed_refs: 0,
        };
        let mut head = refs.head.clone();
        for tip in &refs.tips {
            if tip.kind == TipKind::Head && tip.name == "HEAD" {
                plan.head = NewHead::Detached(tip.id);
                continue;
            }
            if let Some(counter) = plan.counter_if_left_out(tip) {
                *counter += 1;
                continue;
            }
            // The name was decoded from bytes that are not UTF-8.
            if tip.name.contains('\u{fffd}') {
                return Err(PurgeError::RefName(tip.name.clone()));
            }
            let target = refs.symbolic_refs.get(&tip.name).cloned();
            // As a path, an invalid name could lead out of the new repository.
            if ![Some(&tip.name), target.as_ref()].into_iter().flatten().all(|name| is_valid_ref_name(name)) {
                plan.misnamed_refs += 1;
                continue;
            }
            plan.refs.push(CarriedRef {
                name: tip.name.clone(),
                new_name: tip.name.clone(),
                id: tip.id,
                target,
            });
        }
        if head.as_ref().is_some_and(|head| !is_valid_ref_name(head)) {
            plan.misnamed_refs += 1;
            head = None;
        }
        plan.drop_dangling_refs();
        plan.rename_refs(&mut head, keys, detector)?;
        if let Some(head) = head {
            plan.head = NewHead::Branch(head);
        }
        Ok(plan)
    }

    /// Drops symbolic refs that point to refs that are not carried over.
    fn drop_dangling_refs(&mut self) {
        let names: HashSet<String> = self.refs.iter().map(|carried_ref| carried_ref.name.clone()).collect();
        let before = self.refs.len();
        self.refs
            .retain(|carried_ref| carried_ref.target.as_ref().is_none_or(|target| names.contains(target)));
        self.misnamed_refs += (before - self.refs.len()) as u64;
    }

    /// The counter of the kind of `tip`, which is not HEAD, if refs of that kind are not carried over.
    fn counter_if_left_out(&mut self, tip: &Tip) -> Option<&mut u64> {
        let is_of_work_tree = || WORK_TREE_PREFIXES.iter().any(|prefix| tip.name.starts_with(prefix));
        match tip.kind {
            TipKind::Head => Some(&mut self.work_tree_refs),
            TipKind::Pseudo => Some(&mut self.pseudo_refs),
            TipKind::Ref if tip.name.starts_with("refs/replace/") => Some(&mut self.replace_refs),
            TipKind::Ref if tip.name == "refs/stash" => Some(&mut self.stash_refs),
            TipKind::Ref if tip.name.starts_with("worktrees/") || is_of_work_tree() => {
                Some(&mut self.work_tree_refs)
            }
            TipKind::Ref => None,
        }
    }

    /// Renames refs whose name contains a purged key, in `self.refs` and in `head`.
    fn rename_refs(
        &mut self,
        head: &mut Option<String>,
        keys: &PurgedKeys,
        detector: &Detector,
    ) -> Result<(), PurgeError> {
        let mut taken_names: HashSet<String> =
            self.refs.iter().map(|carried_ref| carried_ref.name.clone()).collect();
        let targets = self.refs.iter().filter_map(|carried_ref| carried_ref.target.clone());
        let mut names: Vec<String> =
            self.refs.iter().map(|carried_ref| carried_ref.name.clone()).chain(targets).collect();
        names.extend(head.clone());
        names.sort();
        names.dedup();
        names.retain(|name| !is_request_ref(name));
        for name in names {
            let cleansed_name =
                cleanse(name.as_bytes(), keys, detector).map_err(|StillFound(fingerprint)| {
                    PurgeError::StillFound { what: "the name of a ref".to_owned(), fingerprint }
                })?;
            let Some(cleansed_name) = cleansed_name else { continue };
            for fingerprint in cleansed_name.fingerprints() {
                let (surface, treatment) = (Surface::RefName, Treatment::Filler);
                self.places.push(PurgedPlace { surface, object: None, fingerprint, treatment });
            }
            taken_names.remove(&name);
            let new = first_free_name(&cleansed_name.bytes, |new| is_free(new, &taken_names));
            let new = String::from_utf8_lossy(&new).into_owned();
            taken_names.insert(new.clone());
            for carried_ref in &mut self.refs {
                if carried_ref.name == name {
                    carried_ref.new_name.clone_from(&new);
                }
                if carried_ref.target.as_ref() == Some(&name) {
                    carried_ref.target = Some(new.clone());
                }
            }
            if head.as_ref() == Some(&name) {
                *head = Some(new.clone());
            }
        }
        self.refs.sort_by(|a, b| a.new_name.cmp(&b.new_name));
        Ok(())
    }

    /// The objects from which to carry over: the targets of HEAD and of refs other than notes, and the targets of notes.
    pub(super) fn roots(&self) -> (Vec<ObjectId>, Vec<ObjectId>) {
        let (notes, others): (Vec<_>, Vec<_>) =
            self.refs.iter().partition(|carried_ref| carried_ref.name.starts_with(NOTES_PREFIX));
        let ids =
            |refs: Vec<&CarriedRef>| refs.into_iter().map(|carried_ref| carried_ref.id).collect::<Vec<_>>();
        let (mut roots, notes_roots) = (ids(others), ids(notes));
        if let NewHead::Detached(id) = self.head {
            roots.push(id);
        }
        (roots, notes_roots)
    }
}

/// Whether a ref can get this name. As in git, `a` and `a/b` cannot both exist.
fn is_free(name: &[u8], taken_names: &HashSet<String>) -> bool {
    let is_below =
        |path: &[u8], dir: &[u8]| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with(b"/"));
    !taken_names.iter().any(|taken_name| {
        let taken_name = taken_name.as_bytes();
        taken_name == name || is_below(name, taken_name) || is_below(taken_name, name)
    })
}
