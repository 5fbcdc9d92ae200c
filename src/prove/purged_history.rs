//! The report of a purge, as far as a proof needs it. It may come from anybody.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{self, Deserializer};

use crate::detect::Detector;
use crate::git::{HashKind, ObjectId, ObjectKind, parse_id};
use crate::model::Fingerprint;
use crate::rules::{RuleError, RuleSet};
use crate::untrusted::{ReadError, Symlinks, read};

const SCHEMA: &str = "friskey/purge/v1";
/// The largest report that is read, in bytes: that of some ten million rewritten objects.
const MAX_REPORT: u64 = 1 << 30;
/// The longest text in it, in bytes.
const MAX_TEXT: usize = 4096;

/// Why a report cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PurgedHistoryError {
    /// The file cannot be read.
    #[error("cannot read the purge report {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: ReadError,
    },
    /// It is no JSON, or not of the shape that `friskey purge` writes.
    #[error(
        "{} is not a report of `friskey purge`: {reason} (line {line}, column {column}); \
         name the file that `friskey purge --report` wrote",
        path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, without a word of the file.
        reason: &'static str,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// It says what no purge says.
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
}

/// A key that was purged.
#[derive(Clone, Debug)]
pub(super) struct PurgedKey {
    pub(super) fingerprint: Fingerprint,
    pub(super) redacted: String,
    pub(super) rule: String,
    /// In bytes; 0 if the report does not say.
    length: usize,
}

/// What a purge took out, and what it put in its place.
#[derive(Clone, Debug)]
pub struct PurgedHistory {
    pub(super) hash: HashKind,
    /// At least one.
    pub(super) keys: Vec<PurgedKey>,
    /// Every object that was rewritten, by its id before that, sorted.
    pub(super) old: Vec<(ObjectId, ObjectKind)>,
    /// What the rewritten commits, tags and blobs became.
    pub(super) new_objects: Vec<ObjectId>,
    /// The full names of the refs that changed; a renamed one has its new name.
    pub(super) ref_names: BTreeSet<String>,
}

impl PurgedHistory {
    /// A detector with `rules` that also tries every text with the ends and the length of a purged key, so that a key is
    /// found next to characters where no rule looks for one. Only the fingerprint decides whether it is the key.
    ///
    /// # Errors
    /// When the keys are too many for one detector.
    pub fn detector(&self, rules: &RuleSet) -> Result<Detector, RuleError> {
        let rules = self.keys.iter().fold(rules.clone(), |rules, key| {
            let ends = key.redacted.split_once('…').unwrap_or_default();
            rules.with_redacted(ends, key.length, &key.rule)
        });
        Detector::new(&rules)
    }

    /// Reads the file `path`, of at most 1 GiB.
    ///
    /// # Errors
    /// When it cannot be read, or is no report of a purge that took something out.
    pub fn read(path: &Path) -> Result<Self, PurgedHistoryError> {
        let bytes = read(path, Symlinks::Follow, MAX_REPORT)
            .map_err(|error| PurgedHistoryError::Read { path: path.to_owned(), error })?;
        let unusable = |reason| PurgedHistoryError::Unusable { path: path.to_owned(), reason };
        let document: ReportDocument = serde_json::from_slice(&bytes).map_err(|error| {
            // What serde says quotes the file.
            let reason = match error.classify() {
                serde_json::error::Category::Data => "a field is missing, or is not what it should be",
                serde_json::error::Category::Eof => "it ends too early",
                _ => "it is not valid JSON",
            };
            PurgedHistoryError::Malformed {
                path: path.to_owned(),
                reason,
                line: error.line(),
                column: error.column(),
            }
        })?;
        document.checked().map_err(unusable)
    }
}

/// The fields of the report that a proof needs.
#[derive(Deserialize)]
struct ReportDocument {
    schema: BoundedText,
    status: BoundedText,
    repository: PurgedRepository,
    keys: Vec<KeyEntry>,
    #[serde(rename = "commit-map")]
    commit_map: Vec<IdPair>,
    #[serde(rename = "ref-map")]
    ref_map: Vec<RefPair>,
    objects: ObjectMap,
    places: Vec<PlaceEntry>,
    counts: RewrittenCounts,
}

#[derive(Deserialize)]
struct PlaceEntry {
    #[serde(deserialize_with = "fingerprint")]
    fingerprint: Fingerprint,
}

#[derive(Deserialize)]
struct RewrittenCounts {
    rewritten_commits: u64,
    rewritten_objects: u64,
}

#[derive(Deserialize)]
struct PurgedRepository {
    object_format: BoundedText,
}

#[derive(Deserialize)]
struct KeyEntry {
    #[serde(deserialize_with = "fingerprint")]
    fingerprint: Fingerprint,
    redacted: BoundedText,
    rule: BoundedText,
    #[serde(default)]
    length: usize,
}

#[derive(Deserialize)]
struct ObjectMap {
    blobs: Vec<IdPair>,
    trees: Vec<IdPair>,
    tags: Vec<IdPair>,
}

#[derive(Deserialize)]
struct IdPair {
    #[serde(deserialize_with = "id")]
    old: ObjectId,
    #[serde(deserialize_with = "id")]
    new: ObjectId,
}

#[derive(Deserialize)]
struct RefPair {
    new_ref: BoundedText,
}

/// A text of bounded length.
struct BoundedText(String);

impl<'de> Deserialize<'de> for BoundedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > MAX_TEXT { Err(de::Error::custom("too long")) } else { Ok(Self(text)) }
    }
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectId, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    parse_id(&text).ok_or_else(|| de::Error::custom("not an object id"))
}

fn fingerprint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fingerprint, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    Fingerprint::from_hex(&text).ok_or_else(|| de::Error::custom("not a fingerprint"))
}

impl ReportDocument {
    /// Checks that what the report lists is what it counts, so that one that lost a part of it proves nothing.
    fn check_counts(&self) -> Result<(), &'static str> {
        let ObjectMap { blobs, trees, tags } = &self.objects;
        let commits = self.commit_map.len();
        let listed = commits + blobs.len() + trees.len() + tags.len();
        let is_listed = |one: &PlaceEntry| self.keys.iter().any(|key| key.fingerprint == one.fingerprint);
        match self.counts.rewritten_commits == commits as u64
            && self.counts.rewritten_objects == listed as u64
            && self.places.iter().all(is_listed)
        {
            true => Ok(()),
            false => Err(
                "it contradicts itself: what it lists is not what it counts, or a place has a key that it does not list; \
                 use the report as `friskey purge` wrote it",
            ),
        }
    }

    /// Checks what the types do not say.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    fn checked(self) -> Result<PurgedHistory, &'static str> {
        if self.schema.0 != SCHEMA {
            return Err(
                "it has another schema than friskey/purge/v1; name a report of `friskey purge`, or use a newer \
                        friskey",
            );
        }
        if self.status.0 == "nothing" || self.keys.is_empty() {
            return Err(
                "nothing was purged, so there is nothing to prove; audit the clone with `friskey history`",
            );
        }
        let hash = match &*self.repository.object_format.0 {
            "sha1" => HashKind::Sha1,
            "sha256" => HashKind::Sha256,
            _ => {
                return Err(
                    "its object format is neither sha1 nor sha256; write the report anew with `friskey purge`",
                );
            }
        };
        self.check_counts()?;
        let rewritten = self.commit_map.iter().chain(&self.objects.tags).chain(&self.objects.blobs);
        let new_objects = rewritten.map(|one| one.new).filter(|id| !id.is_null()).collect();
        let kinds = [
            (self.commit_map, ObjectKind::Commit),
            (self.objects.blobs, ObjectKind::Blob),
            (self.objects.trees, ObjectKind::Tree),
            (self.objects.tags, ObjectKind::Tag),
        ];
        let mut old = Vec::new();
        for (rewritten, kind) in kinds {
            if rewritten.iter().any(|one| one.old.kind() != hash || one.new.kind() != hash) {
                return Err(
                    "it has ids of another length than its object format says; write the report anew with \
                            `friskey purge`",
                );
            }
            if rewritten.iter().any(|one| one.old == one.new || one.old.is_null()) {
                return Err(
                    "it calls an object rewritten that kept its id; write the report anew with `friskey purge`",
                );
            }
            old.extend(rewritten.iter().map(|one| (one.old, kind)));
        }
        old.sort_unstable_by_key(|(id, kind)| (*id, *kind as u8));
        old.dedup_by_key(|(id, _)| *id);
        let keys = self.keys.into_iter().map(|key| PurgedKey {
            fingerprint: key.fingerprint,
            redacted: key.redacted.0,
            rule: key.rule.0,
            length: key.length,
        });
        let ref_names = self.ref_map.into_iter().map(|one| one.new_ref.0).collect();
        Ok(PurgedHistory { hash, keys: keys.collect(), old, new_objects, ref_names })
    }
}
