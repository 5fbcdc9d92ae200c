//! Blobs of a history that are containers: opened after the sweep, which only marks them.

use std::collections::BTreeMap;

use super::repository::Run;
use crate::git::attribution::{Question, Trail};
use crate::git::{Found, ObjectId};
use crate::model::{Skip, native_path};
use crate::scan::objects::{Hit, nameless, search};

/// The largest container that is opened, in bytes; its blob is held in memory.
const MOST_HELD: u64 = 1 << 30;

/// A container that could not be opened, or not all of it.
pub(super) struct Closed {
    id: ObjectId,
    skips: Vec<Skip>,
}

/// Adds to what is asked about the secrets: where the containers stand, each numbered as if it were one.
pub(super) fn ask(question: &mut Question, closed: &[Closed]) {
    for (one, number) in closed.iter().zip(question.secrets as u32..) {
        question.objects.entry(one.id).or_default().push(number);
    }
    question.secrets += closed.len();
}

impl Run<'_> {
    /// Searches the containers, of which the sizes are given, with what is packed in them.
    pub(super) fn unpack(
        &mut self,
        containers: &[(ObjectId, u64)],
        found: &mut Vec<Found<Hit>>,
    ) -> Vec<Closed> {
        let mut closed: BTreeMap<ObjectId, Vec<Skip>> = BTreeMap::new();
        let mut ids = Vec::with_capacity(containers.len());
        for (id, size) in containers {
            if *size <= MOST_HELD {
                ids.push(*id);
            } else {
                let reason = format!("a container of {size} bytes, more than is held in memory; not opened");
                closed.entry(*id).or_default().push(Skip::new(nameless(id), reason));
            }
        }
        let searched = search(self.settings, self.repo, &ids, self.audit.threads, &|_| None);
        found.extend(searched.found);
        let known: u64 = containers.iter().map(|(_, size)| size).sum();
        self.outcome.coverage.bytes += searched.bytes.saturating_sub(known);
        self.outcome.coverage.skipped.extend(searched.gaps.into_skips());
        for (id, skip) in searched.skipped {
            closed.entry(id).or_default().push(skip);
        }
        closed.into_iter().map(|(id, skips)| Closed { id, skips }).collect()
    }

    /// Tells what could not be opened, by the first path that it has; by none of those that are left out.
    pub(super) fn tell(&mut self, closed: &[Closed], trails: &[Trail]) {
        for (Closed { id, skips }, trail) in closed.iter().zip(trails) {
            let mut paths = trail.places.iter().map(|place| [self.prefix, &place.path].concat());
            let path = match &self.audit.exclude {
                None => paths.next(),
                Some(excludes) => paths.find(|path| !excludes.cover(&native_path(path))),
            };
            if path.is_none() && !trail.places.is_empty() {
                continue;
            }
            let path = path.map(|path| String::from_utf8_lossy(&path).into_owned());
            let blob = nameless(id);
            for Skip { what, reason } in skips {
                let inside = what.strip_prefix(&blob).unwrap_or_default();
                let (what, reason) = match &path {
                    Some(path) => (format!("{path}{inside}"), format!("{reason} ({blob})")),
                    None => (what.clone(), reason.clone()),
                };
                self.outcome.coverage.skipped.insert(Skip::new(what, reason));
            }
        }
    }
}
