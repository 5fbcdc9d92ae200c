//! Findings and leaks.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{Fingerprint, Origin, Reachability, Secret, Span, Suppression, Verification};

/// How certain it is that a match is a key, judged by the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Could belong to another vendor, or be made up.
    Low,
    /// Very likely a key, perhaps truncated or altered.
    Medium,
    /// Certainly a key.
    High,
}

impl Confidence {
    /// All levels, lowest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The name used in reports and in `--min-confidence`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Confidence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == text)
            .ok_or_else(|| format!("`{text}` is not a confidence; use low, medium or high"))
    }
}

/// A key that a rule found, regardless of where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectedKey {
    /// The key.
    pub secret: Secret,
    /// Its digest, computed once.
    pub fingerprint: Fingerprint,
    /// The id of the matching rule.
    pub rule: Arc<str>,
    /// The kind of key that the rule finds.
    pub kind: Arc<str>,
    /// How certain the match is.
    pub confidence: Confidence,
    /// The evidence for it, for people.
    pub evidence: Vec<String>,
}

#[cfg(test)]
impl DetectedKey {
    /// The match of a rule `r` with the key `key`, for tests that need any.
    pub(crate) fn sample(key: &str) -> Self {
        let secret = Secret::new(key.as_bytes().to_vec(), 0);
        Self {
            fingerprint: secret.fingerprint(),
            secret,
            rule: "r".into(),
            kind: "k".into(),
            confidence: Confidence::High,
            evidence: Vec::new(),
        }
    }
}

/// A match and where it is.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was found.
    pub detected_key: Arc<DetectedKey>,
    /// Where it was found; in a history, the newest version.
    pub origin: Origin,
    /// How the key is encoded there: `utf-8`, `utf-16le`, `base64`, ….
    pub encoding: &'static str,
    /// The position in the blob, before any decoding.
    pub span: Span,
    /// How many times the same key occurs earlier in this place.
    pub occurrence: u32,
    /// How many different blobs with this path contain it.
    pub versions: u64,
    /// The source line around it, redacted.
    pub excerpt: Option<Excerpt>,
    /// What suppresses it, if anything.
    pub suppressed: Option<Suppression>,
}

impl Finding {
    /// A stable id of 16 hex digits: it stays the same while the same secret is in the same place, whatever
    /// changes around it.
    pub fn id(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut digest = Sha256::new();
        let mut field = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        field(&self.detected_key.fingerprint.0);
        field(self.origin.surface.name().as_bytes());
        field(self.origin.path.as_deref().unwrap_or_default());
        for part in &self.origin.container {
            field(part);
        }
        // A place with a path keeps its id when the blob there changes; a place without one is identified by
        // its object.
        if self.origin.path.is_none() {
            field(self.origin.commit.as_deref().unwrap_or_default().as_bytes());
            field(self.origin.object.as_deref().unwrap_or_default().as_bytes());
        }
        if self.occurrence > 0 {
            field(&self.occurrence.to_le_bytes());
        }
        super::hex(&digest.finalize()[..8])
    }
}

/// Part of a source line in which every secret is redacted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The text, at most about 160 characters, with secrets replaced by their redacted form.
    pub text: String,
    /// Where the redacted finding starts in `text`, in bytes.
    pub start: usize,
    /// Where it ends in `text`, in bytes.
    pub end: usize,
}

/// Whether a secret can still be read from the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeakStatus {
    /// At the tip of a ref, in the index, or in the work tree.
    Present,
    /// In the history of a ref, but no longer at the tip of any.
    Removed,
    /// Only in objects that are not reachable from any ref.
    Unreachable,
    /// The scan cannot know, e.g. for standard input.
    Unknown,
}

impl LeakStatus {
    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Removed => "removed",
            Self::Unreachable => "unreachable",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for LeakStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for LeakStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A commit that introduced or removed a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Object id, in hex.
    pub commit: String,
    /// Name and e-mail address of the author, as in the commit.
    pub author: String,
    /// The author date in RFC 3339, in the author's time zone.
    pub date: String,
    /// The committer date in seconds since 1970, for sorting and for the time of exposure.
    pub seconds: i64,
    /// A path that contained the secret.
    pub path: Option<Vec<u8>>,
    /// The first line of the commit's message, without trailing white space; empty if there is none.
    pub subject: String,
}

/// A commit that moves a secret to another path: the commit and one of its parents contain it, at different paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The path before.
    pub from: Vec<u8>,
    /// The commit, and the path after.
    pub change: Change,
}

/// All findings of one secret.
#[derive(Clone, Debug)]
pub struct Leak {
    /// The strongest of its matches.
    pub detected_key: Arc<DetectedKey>,
    /// Whether it can still be read from the repository.
    pub status: LeakStatus,
    /// Commits that contain it although none of their parents does, oldest first.
    pub introduced: Vec<Change>,
    /// Commits that do not contain it although a parent does, oldest first.
    pub removed: Vec<Change>,
    /// Commits that move it from one path to another, oldest first; at most [`Leak::MAX_MOVES`].
    pub moves: Vec<Move>,
    /// The refs and reflog entries that lead to it.
    pub reachability: Reachability,
    /// Seconds from the first introduction to the last removal, or to now if it is present.
    pub exposed_seconds: Option<u64>,
    /// Its findings, sorted by place.
    pub findings: Vec<Finding>,
    /// The provider's verdict, if it was requested.
    pub verification: Option<Box<Verification>>,
}

impl Leak {
    /// Maximum number of recorded moves.
    pub const MAX_MOVES: usize = 1_000;

    /// Whether all of its findings are suppressed.
    pub fn is_suppressed(&self) -> bool {
        self.findings.iter().all(|finding| finding.suppressed.is_some())
    }
}
