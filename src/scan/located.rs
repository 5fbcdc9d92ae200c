//! A secret with its position in some content, and its conversion to a finding.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::bounded::Rankable;
use super::suppression::MarkerDecision;
use crate::model::{DetectedKey, Excerpt, Finding, Origin, Position, Span, Surface};

/// A secret and its position in content.
#[derive(Clone, Debug)]
pub(super) struct LocatedSecret {
    pub(super) detected_key: Arc<DetectedKey>,
    /// The names of the nested containers and entries that contain it.
    pub(super) container_names: Vec<Vec<u8>>,
    pub(super) span: Span,
    pub(super) encoding: &'static str,
    pub(super) excerpt: Excerpt,
    /// Whether a marker near it accepts it.
    pub(super) marker: MarkerDecision,
    /// The surface, if it differs from that of the object that leads to the content.
    pub(super) surface: Option<Surface>,
    /// Whether the baseline accepts it at every path.
    pub(super) is_accepted_everywhere: bool,
}

impl Rankable for LocatedSecret {
    fn detected_key(&mut self) -> &mut Arc<DetectedKey> {
        &mut self.detected_key
    }

    fn is_accepted(&self) -> bool {
        self.is_accepted_everywhere || self.marker.accepts()
    }

    fn cmp_place(&self, other: &Self) -> Ordering {
        let place = |one: &Self| (one.span.start.offset, one.span.end.offset);
        self.container_names.cmp(&other.container_names).then_with(|| place(self).cmp(&place(other)))
    }
}

impl LocatedSecret {
    /// A secret at an unknown position, in content that cannot be read again.
    pub(super) fn without_position(detected_key: &Arc<DetectedKey>) -> Self {
        let text = detected_key.secret.redacted();
        Self {
            detected_key: Arc::clone(detected_key),
            container_names: Vec::new(),
            span: Span { start: Position::START, end: Position::START },
            encoding: "utf-8",
            excerpt: Excerpt { start: 0, end: text.len(), text },
            marker: MarkerDecision::default(),
            surface: None,
            is_accepted_everywhere: false,
        }
    }

    /// The finding at `origin`. A marker that is not honored is added to `notes`.
    pub(super) fn into_finding(
        self,
        mut origin: Origin,
        versions: u64,
        notes: &mut BTreeSet<String>,
    ) -> Finding {
        origin.container = container_path(&origin, &self.container_names);
        origin.surface = self.surface.unwrap_or(origin.surface);
        Finding {
            suppressed: self.marker.into_suppression(&origin, self.span.start.line, notes),
            detected_key: self.detected_key,
            origin,
            encoding: self.encoding,
            span: self.span,
            occurrence: 0,
            versions,
            excerpt: Some(self.excerpt),
        }
    }
}

/// The path to a finding through the containers in `origin`: the name of the outermost one, and those within it.
fn container_path(origin: &Origin, container_names: &[Vec<u8>]) -> Vec<Vec<u8>> {
    if container_names.is_empty() {
        return Vec::new();
    }
    let mut names = vec![content_name(origin)];
    names.extend_from_slice(container_names);
    names
}

/// The name of the content at `origin`: the last component of its path, the id of its object, or else its surface.
pub(super) fn content_name(origin: &Origin) -> Vec<u8> {
    match (&origin.path, &origin.object) {
        (Some(path), _) => {
            let start = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
            path[start..].to_vec()
        }
        (None, Some(object)) => object.clone().into_bytes(),
        (None, None) => origin.surface.name().as_bytes().to_vec(),
    }
}
