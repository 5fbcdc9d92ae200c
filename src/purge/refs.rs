//! Which refs are carried over, under which names, and which are not.

use std::collections::HashSet;

use super::cleanse::{Remains, cleanse};
use super::error::PurgeError;
use super::fill::Treatment;
use super::names::numbered;
use super::purged_keys::PurgedKeys;
use super::request_refs::is_numbered;
use super::rewriter::Place;
use crate::detect::Detector;
use crate::git::ObjectId;
use crate::git::refs::{Refs, Tip, TipKind, is_valid_ref_name};
use crate::model::Surface;

/// A ref that is carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CarriedRef {
    pub(super) name: String,
    pub(super) new_name: String,
    /// The object in the old repository.
    pub(super) id: ObjectId,
    /// The new name of the ref that it points to, if it is symbolic.
    pub(super) target: Option<String>,
}

/// What HEAD points to in the new repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NewHead {
    Branch(String),
    /// The object in the old repository.
    Detached(ObjectId),
}

/// Which refs are carried over, and how many of each kind are not.
#[derive(Debug)]
pub(super) struct RefPlan {
    /// Sorted by name.
    pub(super) refs: Vec<CarriedRef>,
    pub(super) head: NewHead,
    /// Keys in names of refs.
    pub(super) places: Vec<Place>,
    /// Numbers of refs that are not carried over, by kind.
    pub(super) replace: u64,
    pub(super) stash: u64,
    pub(super) of_work_trees: u64,
    pub(super) pseudo: u64,
    /// Refs whose name or target is not a valid ref name. HEAD may be one of them.
    pub(super) misnamed: u64,
}

/// Prefixes of refs that belong to one work tree.
const OF_WORK_TREE: [&str; 3] = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"];

/// Prefix of the refs of notes.
pub(super) const NOTES: &str = "refs/notes/";

impl RefPlan {
    pub(super) fn new(refs: &Refs, keys: &PurgedKeys, detector: &Detector) -> Result<Self, PurgeError> {
        let mut plan = Self {
            refs: Vec::new(),
            head: NewHead::Branch("refs/heads/main".to_owned()),
            places: Vec::new(),
            replace: 0,
            stash: 0,
            of_work_trees: 0,
            pseudo: 0,
            misnamed: 0,
        };
        let mut head = refs.head.clone();
        for tip in &refs.tips {
            if plan.is_carried(tip) {
                if tip.name.contains('\u{fffd}') {
                    return Err(PurgeError::RefName(tip.name.clone()));
                }
                let target = refs.symbolic.get(&tip.name).cloned();
                // As a path, an invalid name could lead out of the new repository.
                if ![Some(&tip.name), target.as_ref()]
                    .into_iter()
                    .flatten()
                    .all(|name| is_valid_ref_name(name))
                {
                    plan.misnamed += 1;
                    continue;
                }
                plan.refs.push(CarriedRef {
                    name: tip.name.clone(),
                    new_name: tip.name.clone(),
                    id: tip.id,
                    target,
                });
            } else if tip.kind == TipKind::Head && tip.name == "HEAD" {
                plan.head = NewHead::Detached(tip.id);
            }
        }
        if head.as_ref().is_some_and(|head| !is_valid_ref_name(head)) {
            plan.misnamed += 1;
            head = None;
        }
        plan.drop_dangling();
        plan.rename(&mut head, keys, detector)?;
        if let Some(head) = head {
            plan.head = NewHead::Branch(head);
        }
        Ok(plan)
    }

    /// Drops symbolic refs that point to refs that are not carried over.
    fn drop_dangling(&mut self) {
        let names: HashSet<String> = self.refs.iter().map(|one| one.name.clone()).collect();
        let before = self.refs.len();
        self.refs.retain(|one| one.target.as_ref().is_none_or(|target| names.contains(target)));
        self.misnamed += (before - self.refs.len()) as u64;
    }

    fn is_carried(&mut self, tip: &Tip) -> bool {
        let is_of_work_tree = || OF_WORK_TREE.iter().any(|prefix| tip.name.starts_with(prefix));
        let counter = match tip.kind {
            TipKind::Head if tip.name == "HEAD" => return false,
            TipKind::Head => &mut self.of_work_trees,
            TipKind::Pseudo => &mut self.pseudo,
            TipKind::Ref if tip.name.starts_with("refs/replace/") => &mut self.replace,
            TipKind::Ref if tip.name == "refs/stash" => &mut self.stash,
            TipKind::Ref if tip.name.starts_with("worktrees/") || is_of_work_tree() => {
                &mut self.of_work_trees
            }
            TipKind::Ref => return true,
        };
        *counter += 1;
        false
    }

    /// Renames refs whose name contains a key.
    fn rename(
        &mut self,
        head: &mut Option<String>,
        keys: &PurgedKeys,
        detector: &Detector,
    ) -> Result<(), PurgeError> {
        let mut taken: HashSet<String> = self.refs.iter().map(|one| one.name.clone()).collect();
        let targets = self.refs.iter().filter_map(|one| one.target.clone());
        let mut names: Vec<String> = self.refs.iter().map(|one| one.name.clone()).chain(targets).collect();
        names.extend(head.clone());
        names.sort();
        names.dedup();
        names.retain(|name| !is_numbered(name));
        for name in names {
            let clean = cleanse(name.as_bytes(), keys, detector).map_err(|Remains(fingerprint)| {
                PurgeError::Remains { what: "the name of a ref".to_owned(), fingerprint }
            })?;
            let Some(clean) = clean else { continue };
            for fingerprint in clean.fingerprints() {
                let (surface, treatment) = (Surface::RefName, Treatment::Filler);
                self.places.push(Place { surface, object: None, fingerprint, treatment });
            }
            taken.remove(&name);
            let new = numbered(&clean.bytes, |new| is_free(new, &taken));
            let new = String::from_utf8_lossy(&new).into_owned();
            taken.insert(new.clone());
            for one in &mut self.refs {
                if one.name == name {
                    one.new_name.clone_from(&new);
                }
                if one.target.as_ref() == Some(&name) {
                    one.target = Some(new.clone());
                }
            }
            if head.as_ref() == Some(&name) {
                *head = Some(new.clone());
            }
        }
        self.refs.sort_by(|a, b| a.new_name.cmp(&b.new_name));
        Ok(())
    }

    /// The objects to carry over: the targets of refs and HEAD, then those of notes.
    pub(super) fn roots(&self) -> (Vec<ObjectId>, Vec<ObjectId>) {
        let (notes, others): (Vec<_>, Vec<_>) = self.refs.iter().partition(|one| one.name.starts_with(NOTES));
        let ids = |refs: Vec<&CarriedRef>| refs.into_iter().map(|one| one.id).collect::<Vec<_>>();
        let (mut roots, late) = (ids(others), ids(notes));
        if let NewHead::Detached(id) = self.head {
            roots.push(id);
        }
        (roots, late)
    }
}

/// Whether a ref can get this name: no ref has it, or uses it as a directory, or is a directory in it.
fn is_free(name: &[u8], taken: &HashSet<String>) -> bool {
    let within =
        |outer: &[u8], inner: &[u8]| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(b"/"));
    !taken.iter().any(|known| {
        let known = known.as_bytes();
        known == name || within(known, name) || within(name, known)
    })
}
