//! Indexes the matches of a sweep by secret and by object.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::git::attribution::Query;
use crate::git::{MatchedObject, ObjectId, ObjectKind};
use crate::model::{DetectedKey, Fingerprint, Skip};
use crate::scan::Settings;
use crate::scan::bounded::{DroppedFindings, MAX_KEYS};
use crate::scan::objects::SharedKey;

/// The keys of a repository, numbered, and the objects that contain them: plainly, encoded, or in a container. A Git LFS
/// pointer contains the keys of its file.
#[derive(Clone, Debug, Default)]
pub struct KeysByObject {
    /// The strongest match of each key.
    pub keys: Vec<Arc<DetectedKey>>,
    /// The numbers of the keys in each object.
    pub objects: BTreeMap<ObjectId, (ObjectKind, Vec<u32>)>,
    /// Objects that may contain more keys, since they were not searched completely.
    pub unsearched: Vec<PartlySearchedObject>,
}

/// An object that was not searched completely, such as an archive that cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartlySearchedObject {
    /// The object.
    pub id: ObjectId,
    /// Its newest path, if one is known.
    pub path: Option<String>,
    /// What was not searched, and why.
    pub skips: Vec<Skip>,
    /// Whether all of its paths are excluded. The skips are then not part of the coverage.
    pub is_excluded: bool,
}

/// The secrets of a sweep, numbered, and the objects that contain them.
#[derive(Debug, Default)]
pub(super) struct SecretIndex {
    /// The strongest match of each secret.
    pub(super) keys: Vec<Arc<DetectedKey>>,
    /// The objects by id, with the numbers of the secrets in them and the offset of each one's first
    /// occurrence.
    pub(super) objects: BTreeMap<ObjectId, (ObjectKind, Vec<(u32, usize)>)>,
    /// The number of keys beyond the limit of a report.
    pub(super) dropped_findings: DroppedFindings,
}

impl SecretIndex {
    /// Indexes the secrets in `matched_objects`. Also returns how many secrets are left out, since they are below the
    /// minimum confidence or not among those to search for.
    pub(super) fn gather(
        matched_objects: &[MatchedObject<SharedKey>],
        settings: &Settings<'_>,
    ) -> (Self, u64) {
        let mut strongest: HashMap<Fingerprint, Arc<DetectedKey>> = HashMap::new();
        for (_, key) in matched_objects.iter().flat_map(|object| &object.matches) {
            let best = strongest.entry(key.fingerprint).or_insert_with(|| Arc::clone(key));
            if (key.confidence, &best.rule) > (best.confidence, &key.rule) {
                *best = Arc::clone(key);
            }
        }
        let is_wanted = |key: &DetectedKey| {
            key.confidence >= settings.min_confidence
                && settings.key_filter.is_none_or(|filter| filter.admits(key))
        };
        let mut keys: Vec<_> = strongest.values().filter(|key| is_wanted(key)).cloned().collect();
        let left_out = (strongest.len() - keys.len()) as u64;
        drop(strongest);
        let mut dropped_findings = DroppedFindings::default();
        if keys.len() > MAX_KEYS {
            keys.sort_by_key(|key| (Reverse(key.confidence), key.fingerprint));
            keys.drain(MAX_KEYS..).for_each(|key| dropped_findings.increment(key.confidence));
        }
        keys.sort_by_key(|key| key.fingerprint);
        let numbers: HashMap<Fingerprint, u32> =
            keys.iter().zip(0..).map(|(key, number)| (key.fingerprint, number)).collect();
        let mut secrets = Self { keys, objects: BTreeMap::new(), dropped_findings };
        for object in matched_objects {
            // A Git LFS pointer is listed twice if both it and its file contain a secret.
            let earlier = secrets.objects.remove(&object.id);
            let mut occurrences: Vec<(u32, usize)> =
                earlier.map(|(_, occurrences)| occurrences).unwrap_or_default();
            let mut known: HashSet<u32> = occurrences.iter().map(|(number, _)| *number).collect();
            for (span, key) in &object.matches {
                let Some(&number) = numbers.get(&key.fingerprint) else { continue };
                if known.insert(number) {
                    occurrences.push((number, usize::try_from(span.start).unwrap_or(usize::MAX)));
                }
            }
            if !occurrences.is_empty() {
                secrets.objects.insert(object.id, (object.kind, occurrences));
            }
        }
        (secrets, left_out)
    }

    /// The keys by object, together with the objects that were not searched completely.
    pub(super) fn into_keys_by_object(self, unsearched: Vec<PartlySearchedObject>) -> KeysByObject {
        let numbers =
            |occurrences: Vec<(u32, usize)>| occurrences.into_iter().map(|(number, _)| number).collect();
        let objects =
            self.objects.into_iter().map(|(id, (kind, occurrences))| (id, (kind, numbers(occurrences))));
        KeysByObject { keys: self.keys, objects: objects.collect(), unsearched }
    }

    /// The objects to attribute.
    pub(super) fn query(&self) -> Query {
        let in_trees = self.of_kinds(&[ObjectKind::Blob, ObjectKind::Tree]);
        Query {
            objects: in_trees
                .map(|(id, _, occurrences)| (id, occurrences.iter().map(|(number, _)| *number).collect()))
                .collect(),
            commits: self.of_kinds(&[ObjectKind::Commit]).map(|(id, _, _)| id).collect(),
            secret_count: self.keys.len(),
        }
    }

    /// The objects of these kinds.
    pub(super) fn of_kinds<'a>(
        &'a self,
        kinds: &'a [ObjectKind],
    ) -> impl Iterator<Item = (ObjectId, ObjectKind, &'a [(u32, usize)])> {
        self.objects
            .iter()
            .filter(|(_, (kind, _))| kinds.contains(kind))
            .map(|(id, (kind, occurrences))| (*id, *kind, occurrences.as_slice()))
    }
}
