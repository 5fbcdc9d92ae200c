//! Git LFS files in a whole history: which pointers lead to secrets in the store, and which files are missing.
//!
//! The files of the store were searched already, and are only verified here. Their findings are attributed to the paths and
//! commits of their pointers.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::containers::UnopenedContainer;
use super::repository_audit::RepositoryAudit;
use crate::git::{LfsStore, MatchedObject, ObjectId, ObjectKind, Pointer};
use crate::model::{Finding, Skip, Surface};
use crate::scan::objects::{SharedKey, blob_name};

/// Maximum number of unread files that are reported individually, with the paths of their pointers.
const MAX_LISTED_FILES: usize = 20;

impl RepositoryAudit<'_> {
    /// Adds the pointers that lead to secrets to `matched_objects`, and those whose file could not be verified to `unopened`.
    pub(super) fn add_lfs_pointers(
        &mut self,
        store: &LfsStore,
        pointers: &[(ObjectId, Arc<Pointer>)],
        matched_objects: &mut Vec<MatchedObject<SharedKey>>,
        unopened: &mut Vec<UnopenedContainer>,
    ) {
        let secrets = secrets_by_file(&self.outcome.findings);
        let mut failed: BTreeSet<&Pointer> = BTreeSet::new();
        let mut unlisted_count = 0u64;
        for (id, pointer) in pointers {
            if let Some(keys) = secrets.get(&pointer.oid) {
                // The keys have no position in the pointer itself.
                let matches = keys.iter().map(|key| (0..0, SharedKey::clone(key))).collect();
                matched_objects.push(MatchedObject {
                    id: *id,
                    kind: ObjectKind::Blob,
                    size: pointer.size,
                    matches,
                });
            }
            if failed.contains(&**pointer) {
                continue;
            }
            let outcome =
                store.open(pointer).and_then(|mut file| pointer.verify(&mut file, self.settings.stop.flag()));
            let Err(error) = outcome else { continue };
            if failed.len() < MAX_LISTED_FILES {
                let skips = vec![Skip::new(blob_name(id), error.to_string())];
                unopened.push(UnopenedContainer { id: *id, skips });
                failed.insert(pointer);
            } else {
                unlisted_count += 1;
            }
        }
        if unlisted_count > 0 {
            let what = format!("{unlisted_count} more Git LFS pointers");
            let reason = "their files are missing or cannot be verified, as those listed; `git lfs fetch --all` downloads missing \
                          files, `--surfaces=-lfs` leaves them out";
            self.outcome.coverage.skipped.insert(Skip::new(what, reason));
        }
    }
}

/// The secrets in each file of the store, by object id, which is the file's name.
fn secrets_by_file(findings: &[Finding]) -> HashMap<String, Vec<SharedKey>> {
    let mut secrets: HashMap<String, Vec<SharedKey>> = HashMap::new();
    for finding in findings.iter().filter(|finding| finding.origin.surface == Surface::Lfs) {
        let name = finding.origin.path.as_deref().and_then(|path| path.rsplit(|&byte| byte == b'/').next());
        let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
        secrets.entry(name).or_default().push(Arc::clone(&finding.detected_key));
    }
    secrets
}
