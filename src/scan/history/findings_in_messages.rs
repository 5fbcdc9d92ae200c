//! Turns secrets in commits and tags into findings: in messages, identities and other headers.

use std::collections::HashMap;

use super::object_parts::{message_start, surface_at};
use super::repository_audit::RepositoryAudit;
use super::secret_index::SecretIndex;
use crate::git::attribution::change_in_commit;
use crate::git::refs::Refs;
use crate::git::{ObjectId, ObjectKind};
use crate::model::{Origin, Reachability, Surface};

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
            let Some((_, bytes)) = self.objects.read(&id, "contains a finding") else { continue };
            let change = change_in_commit(&id, bytes);
            for (number, _) in occurrences {
                let fingerprint = secrets.keys[*number as usize].fingerprint;
                let facts = self.outcome.history_facts.entry(fingerprint).or_default();
                facts.add_reachability(reachability);
                facts.add_introduction(change.clone(), self.options.now);
            }
            let is_unreachable = !is_range && reachability.refs_in_history.is_empty();
            self.add_findings_in_headers_and_message(secrets, id, occurrences, is_unreachable);
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
            for (number, _) in occurrences {
                let fingerprint = secrets.keys[*number as usize].fingerprint;
                let facts = self.outcome.history_facts.entry(fingerprint).or_default();
                facts.add_reachability(&reachability);
            }
            let is_unreachable = is_unreachable && !is_range;
            self.add_findings_in_headers_and_message(secrets, id, occurrences, is_unreachable);
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

    /// Adds the findings of the keys in a commit or tag. `occurrences` are the numbers of the keys, and the offset at which
    /// the sweep found each first.
    fn add_findings_in_headers_and_message(
        &mut self,
        secrets: &SecretIndex,
        id: ObjectId,
        occurrences: &[(u32, usize)],
        is_unreachable: bool,
    ) {
        if is_unreachable && !self.wants(Surface::Unreachable) {
            return;
        }
        let Some((kind, object)) = self.objects.read(&id, "contains a finding") else { return };
        let mut findings = Vec::with_capacity(occurrences.len());
        for (number, offset) in occurrences {
            let detected_key = &secrets.keys[*number as usize];
            let Some(mut located) = self.locator.first(id, object, b"", detected_key) else { continue };
            // The sweep's offset is that of the first occurrence, which a marker may accept.
            let known_offset = located.offset_in_object();
            let surface = surface_at(kind, object, known_offset.unwrap_or(*offset));
            if known_offset.is_some() && matches!(surface, Surface::CommitMessage | Surface::TagMessage) {
                located = located.relative_to(object, message_start(object));
            }
            findings.push((detected_key, surface, located));
        }
        let is_commit = kind == ObjectKind::Commit;
        for (detected_key, surface, located) in findings {
            let origin = Origin {
                surface: if is_unreachable && !self.wants(surface) { Surface::Unreachable } else { surface },
                path: None,
                object: (!is_commit).then(|| id.to_string()),
                commit: is_commit.then(|| id.to_string()),
                container: Vec::new(),
            };
            self.push(detected_key, origin, located, 1);
        }
    }
}
