//! Findings and leaks.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{Fingerprint, Origin, Reachability, Secret, Span, Suppression};

/// How sure we are that a match is a live-shaped key; decided by evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Could be a key of many vendors, or a made-up one.
    Low,
    /// Very likely a key, perhaps cut or altered.
    Medium,
    /// A key.
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

/// What a rule found out about one secret, before it is known where else the secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The key.
    pub secret: Secret,
    /// Its digest, computed once.
    pub fingerprint: Fingerprint,
    /// The id of the rule that found it.
    pub rule: Arc<str>,
    /// What kind of key the rule is about.
    pub kind: Arc<str>,
    /// How sure we are.
    pub confidence: Confidence,
    /// What that rests on, in words.
    pub evidence: Vec<String>,
}

/// A match with its place.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was found.
    pub identified: Arc<Identified>,
    /// Where: the newest version, in a history.
    pub origin: Origin,
    /// How the bytes at that place are encoded: `utf-8`, `utf-16le`, `base64`, ….
    pub encoding: &'static str,
    /// Where in the blob, as it stands there.
    pub span: Span,
    /// How many times it stands at this place before this one.
    pub occurrence: u32,
    /// How many different blobs at this place held it.
    pub versions: u64,
    /// The source line around it, already redacted.
    pub excerpt: Option<Excerpt>,
    /// Why it is accepted, if it is.
    pub suppressed: Option<Suppression>,
}

impl Finding {
    /// A stable id: the same as long as the same secret stands at the same place, whatever moves
    /// around it. 16 hex digits.
    pub fn id(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut digest = Sha256::new();
        let mut field = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        field(&self.identified.fingerprint.0);
        field(self.origin.surface.name().as_bytes());
        field(self.origin.path.as_deref().unwrap_or_default());
        for part in &self.origin.container {
            field(part);
        }
        // A place with a path keeps its id when the blob there changes; one without is its object.
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

/// A piece of one source line with every secret in it redacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The text, at most some 160 characters, secrets replaced by their redacted form.
    pub text: String,
    /// Where in `text` the redacted finding starts, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
}

/// Whether a secret is still to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeakStatus {
    /// At the tip of a ref, in the index, or in the work tree.
    Present,
    /// In the history of a ref, no longer at a tip.
    Removed,
    /// Only in objects that no ref reaches.
    Unreachable,
    /// The scan cannot tell: standard input, say.
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

/// A commit that brought a secret in, or took it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Object id, in hex.
    pub commit: String,
    /// Name and e-mail of the author, as the commit has them.
    pub author: String,
    /// The author's date, RFC 3339 with the author's offset.
    pub date: String,
    /// The commit's date in seconds since 1970, for ordering and for time exposed.
    pub seconds: i64,
    /// A path that held the secret.
    pub path: Option<Vec<u8>>,
}

/// All findings of one secret.
#[derive(Clone, Debug)]
pub struct Leak {
    /// The strongest of its identifications.
    pub identified: Arc<Identified>,
    /// Whether it is still to be had.
    pub status: LeakStatus,
    /// Commits that have it while none of their parents does, oldest first.
    pub introduced: Vec<Change>,
    /// Commits that lack it while a parent has it, oldest first.
    pub removed: Vec<Change>,
    /// The refs and reflog entries that lead to it.
    pub reachability: Reachability,
    /// Seconds from the first introduction to the last removal, or to now while it is present.
    pub exposed_seconds: Option<u64>,
    /// The places where it stands, sorted.
    pub findings: Vec<Finding>,
}

impl Leak {
    /// Whether every place of it was accepted.
    pub fn is_suppressed(&self) -> bool {
        self.findings.iter().all(|finding| finding.suppressed.is_some())
    }
}
