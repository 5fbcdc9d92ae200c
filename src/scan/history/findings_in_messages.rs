//! Turns secrets in commits and tags into findings: in messages, identities and other headers.

use std::collections::HashMap;
use std::sync::Arc;

use super::object_parts::{message_start, surface_at};
use super::repository_audit::RepositoryAudit;
use super::secret_index::SecretIndex;
use crate::git::attribution::change_in_commit;
use crate::git::refs::Refs;
use crate::git::{ObjectId, ObjectKind};
use crate::model::{DetectedKey, Origin, Reachability, Surface};

impl RepositoryAudit<'_> {
    /// Adds findings in messages, identities and other headers of commits and tags. In the audit of a range, it does not
    /// matter whether a ref leads to them.
    pub(super) fn add_message_findings(
        &mut self,
        refs: &Refs,
        commits: &[Reachability],
        secrets: &SecretIndex,
        is_range: bool,
    ) {
        for ((id, _, occurrences), reachability) in secrets.of_kinds(&[ObjectKind::Commit]).zip(commits) {
            for (number, offset) in occurrences {
                let detected_key = &secrets.keys[*number as usize];
                let Some(change) = self
                    .objects
                    .read(&id, "contains a finding")
                    .map(|(_, bytes)| change_in_commit(&id, bytes))
                else {
                    continue;
                };
                let facts = self.outcome.history_facts.entry(detected_key.fingerprint).or_default();
                facts.add_reachability(reachability);
                facts.add_introduction(change, self.options.now);
                let is_unreachable = !is_range && reachability.refs_in_history.is_empty();
                self.add_message_finding(detected_key, id, *offset, is_unreachable);
            }
        }
        let tags: Vec<_> = secrets.of_kinds(&[ObjectKind::Tag]).collect();
        let mut refs_by_tag = if tags.is_empty() { HashMap::new() } else { self.refs_by_tag(refs) };
        for (id, _, occurrences) in tags {
            let names = refs_by_tag.remove(&id).unwrap_or_default();
            let is_unreachable = names.is_empty();
            let reachability = Reachability {
                refs_at_tip: names.clone(),
                refs_in_history: names,
                ..Reachability::default()
            };
            for (number, offset) in occurrences {
                let detected_key = &secrets.keys[*number as usize];
                self.outcome
                    .history_facts
                    .entry(detected_key.fingerprint)
                    .or_default()
                    .add_reachability(&reachability);
                self.add_message_finding(detected_key, id, *offset, is_unreachable && !is_range);
            }
        }
    }

    /// The refs that lead to each tag, directly or through another tag.
    fn refs_by_tag(&mut self, refs: &Refs) -> HashMap<ObjectId, Vec<String>> {
        let mut names: HashMap<ObjectId, Vec<String>> = HashMap::new();
        for tip in &refs.tips {
            for tag in self.objects.tags_from(tip.id) {
                names.entry(tag).or_default().push(tip.name.clone());
            }
        }
        names
    }

    /// Adds the finding of a key in a commit or tag. `offset` is where the sweep found it first.
    fn add_message_finding(
        &mut self,
        detected_key: &Arc<DetectedKey>,
        id: ObjectId,
        offset: usize,
        is_unreachable: bool,
    ) {
        let Some((kind, object)) = self.objects.read(&id, "contains a finding") else { return };
        let Some(mut located) = self.locator.first(id, object, b"", detected_key) else { return };
        // The sweep's offset is that of the first occurrence, which a marker may accept.
        let known_offset = located.offset_in_object();
        let surface = surface_at(kind, object, known_offset.unwrap_or(offset));
        if known_offset.is_some() && matches!(surface, Surface::CommitMessage | Surface::TagMessage) {
            located = located.relative_to(object, message_start(object));
        }
        let id = id.to_string();
        let is_commit = kind == ObjectKind::Commit;
        let origin = Origin {
            surface: if is_unreachable && !self.wants(surface) { Surface::Unreachable } else { surface },
            path: None,
            object: (!is_commit).then(|| id.clone()),
            commit: is_commit.then_some(id),
            container: Vec::new(),
        };
        if is_unreachable && !self.wants(Surface::Unreachable) {
            return;
        }
        self.push(detected_key, origin, located, 1);
    }
}
