//! A located secret, and its conversion to a finding.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::bounded::Rankable;
use super::suppression::MarkerVerdict;
use crate::model::{Excerpt, Finding, Identified, Origin, Position, Span, Surface};

/// A secret and its position in content.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub(super) identified: Arc<Identified>,
    /// The names of the nested containers and entries that contain it.
    pub(super) inside: Vec<Vec<u8>>,
    pub(super) span: Span,
    pub(super) encoding: &'static str,
    pub(super) excerpt: Excerpt,
    /// What a marker nearby says of it.
    pub(super) verdict: MarkerVerdict,
    /// Its surface, if it differs from that of the object that leads to it.
    pub(super) surface: Option<Surface>,
    /// Whether the baseline lists it, wherever it is.
    pub(super) listed: bool,
}

impl Rankable for Located {
    fn identified(&mut self) -> &mut Arc<Identified> {
        &mut self.identified
    }

    fn is_accepted(&self) -> bool {
        self.listed || self.verdict.accepts()
    }

    fn by_place(&self, other: &Self) -> Ordering {
        let place = |one: &Self| (one.span.start.offset, one.span.end.offset);
        self.inside.cmp(&other.inside).then_with(|| place(self).cmp(&place(other)))
    }
}

impl Located {
    /// A secret at an unknown position, in content that cannot be read again.
    pub(super) fn unlocated(identified: &Arc<Identified>) -> Self {
        let text = identified.secret.redacted();
        Self {
            identified: Arc::clone(identified),
            inside: Vec::new(),
            span: Span { start: Position::START, end: Position::START },
            encoding: "utf-8",
            excerpt: Excerpt { start: 0, end: text.len(), text },
            verdict: MarkerVerdict::default(),
            surface: None,
            listed: false,
        }
    }

    /// The finding at `origin`. A marker that is not honored is added to `notes`.
    pub(super) fn at(self, mut origin: Origin, versions: u64, notes: &mut BTreeSet<String>) -> Finding {
        origin.container = container_path(&origin, &self.inside);
        origin.surface = self.surface.unwrap_or(origin.surface);
        Finding {
            suppressed: self.verdict.settle(&origin, self.span.start.line, notes),
            identified: self.identified,
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
fn container_path(origin: &Origin, inside: &[Vec<u8>]) -> Vec<Vec<u8>> {
    if inside.is_empty() {
        return Vec::new();
    }
    let mut names = vec![own_name(origin)];
    names.extend_from_slice(inside);
    names
}

/// The name of the outermost content: the last component of its path, or the id of its object.
pub(super) fn own_name(origin: &Origin) -> Vec<u8> {
    match (&origin.path, &origin.object) {
        (Some(path), _) => {
            let start = memchr::memrchr(b'/', path).map_or(0, |at| at + 1);
            path[start..].to_vec()
        }
        (None, Some(object)) => object.clone().into_bytes(),
        (None, None) => origin.surface.name().as_bytes().to_vec(),
    }
}
