//! Turns secrets in commits and tags into findings: in messages, identities and other headers.

use std::collections::HashMap;
use std::sync::Arc;

use super::message;
use super::repository_audit::RepositoryAudit;
use super::secret_index::SecretIndex;
use crate::git::attribution::change_in_commit;
use crate::git::refs::Refs;
use crate::git::{ObjectId, ObjectKind};
use crate::model::{Identified, Origin, Reachability, Surface};

impl RepositoryAudit<'_> {
    /// Adds findings in messages, identities and other headers of commits and tags. For `asked` ones it does
    /// not matter whether a ref leads to them.
    pub(super) fn in_messages(
        &mut self,
        refs: &Refs,
        commits: &[Reachability],
        secrets: &SecretIndex,
        asked: bool,
    ) {
        for ((id, _, held), reachability) in secrets.of_kinds(&[ObjectKind::Commit]).zip(commits) {
            for (number, offset) in held {
                let identified = &secrets.identified[*number as usize];
                let Some(change) =
                    self.objects.read(&id, "holds a finding").map(|(_, o)| change_in_commit(&id, o))
                else {
                    continue;
                };
                let facts = self.outcome.facts.entry(identified.fingerprint).or_default();
                facts.reachable(reachability);
                facts.introduced_by(change, self.audit.now);
                let lost = !asked && reachability.refs_in_history.is_empty();
                self.in_message(identified, id, *offset, lost);
            }
        }
        let tags: Vec<_> = secrets.of_kinds(&[ObjectKind::Tag]).collect();
        let mut leading_to = if tags.is_empty() { HashMap::new() } else { self.leading_to_tags(refs) };
        for (id, _, held) in tags {
            let names = leading_to.remove(&id).unwrap_or_default();
            let lost = names.is_empty();
            let reachability = Reachability {
                refs_at_tip: names.clone(),
                refs_in_history: names,
                ..Reachability::default()
            };
            for (number, offset) in held {
                let identified = &secrets.identified[*number as usize];
                self.outcome.facts.entry(identified.fingerprint).or_default().reachable(&reachability);
                self.in_message(identified, id, *offset, lost && !asked);
            }
        }
    }

    /// The refs that lead to each tag, directly or through another tag.
    fn leading_to_tags(&mut self, refs: &Refs) -> HashMap<ObjectId, Vec<String>> {
        let mut names: HashMap<ObjectId, Vec<String>> = HashMap::new();
        for tip in &refs.tips {
            for tag in self.objects.tags_from(tip.id) {
                names.entry(tag).or_default().push(tip.name.clone());
            }
        }
        names
    }

    fn in_message(&mut self, identified: &Arc<Identified>, id: ObjectId, offset: usize, lost: bool) {
        let Some((kind, object)) = self.objects.read(&id, "holds a finding") else { return };
        let Some(mut located) = self.places.first(id, object, b"", identified) else { return };
        let surface = message::surface(kind, object, offset);
        if matches!(surface, Surface::CommitMessage | Surface::TagMessage) {
            located = located.relative_to(object, message::start(object));
        }
        let id = id.to_string();
        let is_commit = kind == ObjectKind::Commit;
        let origin = Origin {
            surface: if lost && !self.wants(surface) { Surface::Unreachable } else { surface },
            path: None,
            object: (!is_commit).then(|| id.clone()),
            commit: is_commit.then_some(id),
            container: Vec::new(),
        };
        if lost && !self.wants(Surface::Unreachable) {
            return;
        }
        self.push(identified, origin, located, 1);
    }
}
