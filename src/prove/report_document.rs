//! Parses the JSON of a purge's report, and checks that it is consistent.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::purged_history::{PurgedHistory, PurgedKey};
use crate::git::{HashKind, ObjectId, ObjectKind, parse_id};
use crate::model::Fingerprint;

const SCHEMA: &str = "friskey/purge/v1";
/// The longest text in it, in bytes.
const MAX_TEXT_BYTES: usize = 4096;

/// The fields of the report that a proof needs.
#[derive(Deserialize)]
pub(super) struct ReportDocument {
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
    #[serde(default)]
    unsearched: Vec<UnsearchedEntry>,
}

#[derive(Deserialize)]
struct UnsearchedEntry {
    #[serde(deserialize_with = "deserialize_id")]
    object: ObjectId,
}

#[derive(Deserialize)]
struct PlaceEntry {
    #[serde(deserialize_with = "deserialize_fingerprint")]
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
    #[serde(deserialize_with = "deserialize_fingerprint")]
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
    #[serde(deserialize_with = "deserialize_id")]
    old: ObjectId,
    #[serde(deserialize_with = "deserialize_id")]
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
        if text.len() > MAX_TEXT_BYTES { Err(de::Error::custom("too long")) } else { Ok(Self(text)) }
    }
}

fn deserialize_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectId, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    parse_id(&text).ok_or_else(|| de::Error::custom("not an object id"))
}

fn deserialize_fingerprint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fingerprint, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    Fingerprint::from_hex(&text).ok_or_else(|| de::Error::custom("not a fingerprint"))
}

impl ReportDocument {
    /// Checks that the lists have as many items as the report counts: a report that lost some of them would prove too
    /// little.
    fn check_counts(&self) -> Result<(), &'static str> {
        let ObjectMap { blobs, trees, tags } = &self.objects;
        let commits = self.commit_map.len();
        let objects = commits + blobs.len() + trees.len() + tags.len();
        let has_listed_key =
            |place: &PlaceEntry| self.keys.iter().any(|key| key.fingerprint == place.fingerprint);
        match self.counts.rewritten_commits == commits as u64
            && self.counts.rewritten_objects == objects as u64
            && self.places.iter().all(has_listed_key)
        {
            true => Ok(()),
            false => Err(
                "it contradicts itself: what it lists is not what it counts, or a place has a key that it does not list; \
                 use the report as `friskey purge` wrote it",
            ),
        }
    }

    /// Checks everything that the types do not ensure, and returns what a proof needs.
    ///
    /// # Errors
    /// A description of what is wrong, and what to do.
    pub(super) fn into_history(self) -> Result<PurgedHistory, &'static str> {
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
        let object_format = match &*self.repository.object_format.0 {
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
        let new_objects = rewritten.map(|pair| pair.new).filter(|id| !id.is_null()).collect();
        let kinds = [
            (self.commit_map, ObjectKind::Commit),
            (self.objects.blobs, ObjectKind::Blob),
            (self.objects.trees, ObjectKind::Tree),
            (self.objects.tags, ObjectKind::Tag),
        ];
        let mut old_objects = Vec::new();
        for (rewritten, kind) in kinds {
            if rewritten
                .iter()
                .any(|pair| pair.old.kind() != object_format || pair.new.kind() != object_format)
            {
                return Err(
                    "it has ids of another length than its object format says; write the report anew with \
                            `friskey purge`",
                );
            }
            if rewritten.iter().any(|pair| pair.old == pair.new || pair.old.is_null()) {
                return Err(
                    "it calls an object rewritten that kept its id; write the report anew with `friskey purge`",
                );
            }
            old_objects.extend(rewritten.iter().map(|pair| (pair.old, kind)));
        }
        old_objects.sort_unstable_by_key(|(id, kind)| (*id, *kind as u8));
        old_objects.dedup_by_key(|(id, _)| *id);
        let keys = self.keys.into_iter().map(|key| PurgedKey {
            fingerprint: key.fingerprint,
            redacted: key.redacted.0,
            rule: key.rule.0,
            length: key.length,
        });
        let ref_names = self.ref_map.into_iter().map(|pair| pair.new_ref.0).collect();
        let unsearched = self.unsearched.into_iter().map(|entry| entry.object).collect();
        Ok(PurgedHistory {
            object_format,
            keys: keys.collect(),
            old_objects,
            new_objects,
            ref_names,
            unsearched,
        })
    }
}
