//! Writes the instructions for what to do after a purge, with the data of this repository filled in.

use serde::Serialize;

/// A step for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PurgeStep {
    /// The heading.
    pub title: &'static str,
    /// Whom it is for: `everyone`, `github`, `gitlab`, `server`, `colleagues`.
    #[serde(rename = "for")]
    pub audience: &'static str,
    /// Command lines to run, in order.
    pub commands: Vec<String>,
    /// The instructions.
    pub text: String,
}

/// The facts about the repository that the steps depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct StepFacts {
    /// Fingerprints of the purged keys.
    pub(super) fingerprints: Vec<String>,
    /// The path of the new repository.
    pub(super) destination: String,
    /// The URL of the server's repository, if known.
    pub(super) url: Option<String>,
    /// How many refs are below refs/remotes/.
    pub(super) remote_refs: u64,
    /// How many refs are below refs/pull/.
    pub(super) pull_refs: u64,
    /// How many pull requests lead to rewritten commits.
    pub(super) pull_requests: u64,
    /// How many merge requests lead to rewritten commits.
    pub(super) merge_requests: u64,
    /// Old ids of the rewritten commits without a rewritten parent; empty if only tags, blobs or names of refs contain a key.
    pub(super) first_commits: Vec<String>,
    /// Ids of the Git LFS objects that contain a key.
    pub(super) lfs_objects: Vec<String>,
    /// Whether the new repository has the same objects and refs as the old one, because none that is carried over contains a
    /// key.
    pub(super) is_unchanged: bool,
    /// Old ids of the rewritten blobs.
    pub(super) blobs: Vec<String>,
}

/// Maximum number of ids that a text lists.
const MAX_LISTED: usize = 20;

/// The first ids, and how many more there are; `none` without any.
fn join_ids(ids: &[String]) -> String {
    if ids.is_empty() {
        return "none".to_owned();
    }
    let mut text = ids.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ");
    if ids.len() > MAX_LISTED {
        text.push_str(&format!(", and {} more in the report", ids.len() - MAX_LISTED));
    }
    text
}

/// All steps, most urgent first.
pub(super) fn list(facts: &StepFacts) -> Vec<PurgeStep> {
    if facts.is_unchanged {
        return vec![revoke_step(facts), local_step(facts)];
    }
    let mut steps = vec![
        revoke_step(facts),
        push_step(facts),
        github_step(facts),
        gitlab_step(facts),
        server_step(facts),
        colleagues_step(facts),
    ];
    steps.push(PurgeStep {
        title: "What cannot be undone",
        audience: "everyone",
        commands: Vec::new(),
        text: "Forks keep the old commits. Hosts serve a commit whose id is known, and caches, CI logs, artifacts and \
               archives such as GH Archive, which records force-pushes, may have them too. Only a revoked key is safe."
            .to_owned(),
    });
    steps
}

fn revoke_step(facts: &StepFacts) -> PurgeStep {
    PurgeStep {
        title: "Revoke the key first",
        audience: "everyone",
        commands: facts
            .fingerprints
            .iter()
            .map(|fingerprint| &fingerprint[..fingerprint.len().min(16)])
            .map(|fingerprint| format!("friskey revoke REPORT.json --key {fingerprint}"))
            .collect(),
        text: "A purge hides a key from those who come later. Whoever has it can use it until it is revoked. REPORT.json is \
               what `friskey history --output json=REPORT.json` writes."
            .to_owned(),
    }
}

/// What to do about keys that are only in files of Git LFS, which are not part of the history.
fn lfs_only_step(facts: &StepFacts) -> PurgeStep {
    PurgeStep {
        title: "Replace the files of Git LFS; there is nothing to push yet",
        audience: "everyone",
        commands: Vec::new(),
        text: format!(
            "No commit, branch or tag contains the key, so the new repository has the same history as the old one. Files of \
             Git LFS contain it: {}. Commit them without the key, delete these objects below `.git/lfs/objects` in every \
             clone, and have the server delete them: on GitHub, ask Support with these ids; on GitLab and other servers, the \
             administrator. `friskey history` names what else contains the key in this repository.",
            join_ids(&facts.lfs_objects)
        ),
    }
}

/// What to do about keys that are only in this clone, for example in the reflog, and in nothing that can be pushed.
fn local_step(facts: &StepFacts) -> PurgeStep {
    if !facts.lfs_objects.is_empty() {
        return lfs_only_step(facts);
    }
    PurgeStep {
        title: "Delete the key where it is; there is nothing to push",
        audience: "everyone",
        commands: Vec::new(),
        text: "No branch, tag or note leads to the key, so the new repository has the same history as the old one. The key is \
               in something that is not carried over, such as the reflog, a stash, the index or the configuration, or in a \
               file of Git LFS: `friskey history` names each place. Delete it there, or continue with the new repository and \
               delete the old one."
            .to_owned(),
    }
}

fn push_step(facts: &StepFacts) -> PurgeStep {
    let url = facts.url.as_deref().map_or_else(|| "URL-OF-THE-REPOSITORY".to_owned(), quote_for_shell);
    if facts.remote_refs > 0 {
        return purge_mirror_step(&url, facts.remote_refs);
    }
    let mut text =
        String::from("It replaces every ref on the server and deletes those that the new repository lacks.");
    if facts.pull_refs > 0 {
        text.push_str(&format!(
            " Expect the server to refuse the refs of pull requests (refs/pull/…: `deny updating a hidden ref`); there {}.",
            match facts.pull_refs {
                1 => "is one".to_owned(),
                count => format!("are {count}"),
            }
        ));
    }
    text.push_str(" Branch protection may have to be lifted for the push.");
    let commands =
        vec![format!("git -C {} push --force --mirror {url}", quote_for_shell(&facts.destination))];
    PurgeStep { title: "Push the new history", audience: "everyone", commands, text }
}

/// What to do instead of pushing an ordinary clone, since `git push --mirror` from it would delete branches on the server.
fn purge_mirror_step(url: &str, remote_refs: u64) -> PurgeStep {
    PurgeStep {
        title: "Do not push this repository; purge a mirror clone",
        audience: "everyone",
        commands: vec![
            format!("git clone --mirror {url} mirror.git"),
            "friskey purge mirror.git --into purged.git --report purge.json".to_owned(),
            format!("git -C purged.git push --force --mirror {url}"),
        ],
        text: format!(
            "The purged repository is an ordinary clone: {} below refs/remotes/. \
             `git push --mirror` from it would delete every branch on the server that was not checked out here, and \
             create refs/remotes/ there. A mirror clone has all branches. Branch protection may have to be lifted for the \
             push.",
            match remote_refs {
                1 => "1 of its refs is".to_owned(),
                count => format!("{count} of its refs are"),
            }
        ),
    }
}

fn github_step(facts: &StepFacts) -> PurgeStep {
    PurgeStep {
        title: "Ask GitHub Support to delete the old commits",
        audience: "github",
        commands: Vec::new(),
        text: format!(
            "At https://support.github.com, give the repository{}, the number of affected pull requests ({}), the first \
             changed commits ({}) and the Git LFS objects to delete ({}). Support acts only if the risk cannot be \
             mitigated otherwise, so it may decline for a key that is revoked.",
            facts.url.as_ref().map_or_else(String::new, |url| format!(" ({url})")),
            facts.pull_requests,
            join_ids(&facts.first_commits),
            join_ids(&facts.lfs_objects),
        ),
    }
}

fn gitlab_step(facts: &StepFacts) -> PurgeStep {
    PurgeStep {
        title: "Remove the old blobs from GitLab",
        audience: "gitlab",
        commands: Vec::new(),
        text: format!(
            "After the push: Settings > Repository > Repository maintenance > Remove blobs, or GraphQL \
             `projectBlobsRemove`, with these ids: {}. Then run housekeeping with pruning (Settings > General > Advanced). \
             {} affected; GitLab keeps their refs (refs/merge-requests/, refs/keep-around/), which only \
             a project export shows, and their diffs in its database. Removing blobs fails while forks share the object \
             pool.",
            join_ids(&facts.blobs),
            match facts.merge_requests {
                1 => "One merge request is".to_owned(),
                count => format!("{count} merge requests are"),
            },
        ),
    }
}

fn server_step(facts: &StepFacts) -> PurgeStep {
    let mut commands =
        vec!["git reflog expire --expire=now --all".to_owned(), "git gc --prune=now".to_owned()];
    commands.extend(look_up_command(facts));
    let url = facts.url.as_deref().map_or_else(|| "URL-OF-THE-REPOSITORY".to_owned(), quote_for_shell);
    commands
        .push(format!("git clone --mirror {url} check.git && friskey prove check.git --report purge.json"));
    PurgeStep {
        title: "On your own server, delete the old objects",
        audience: "server",
        commands,
        text: format!(
            "Run all but the last command in the server's repository after the push.{} The last command, run elsewhere, \
             proves that the objects are gone; purge.json is the file that `--report` wrote.",
            if facts.first_commits.is_empty() {
                ""
            } else {
                " `git cat-file` must fail; if it does not, a ref that the push could not replace still leads to the old \
                 commit."
            }
        ),
    }
}

fn colleagues_step(facts: &StepFacts) -> PurgeStep {
    let mut commands = vec![
        "git tag -l | xargs git tag -d".to_owned(),
        "git fetch --prune --force --tags".to_owned(),
        "git rebase --onto @{upstream} OLD-UPSTREAM-COMMIT".to_owned(),
        "git reflog expire --expire=now --all && git gc --prune=now".to_owned(),
    ];
    commands.extend(look_up_command(facts));
    PurgeStep {
        title: "What everyone with a clone must do",
        audience: "colleagues",
        commands,
        text: format!(
            "A fresh clone is best. Anyone with work to save moves it onto the new history with `rebase`, and never merges: \
             a merge or push from an old clone brings the key back. Before these commands, note the output of \
             `git rev-parse @{{upstream}}`, which is OLD-UPSTREAM-COMMIT, and apply stashes: emptying the reflog deletes \
             them, and the first command deletes tags that exist only here.{} A pre-receive hook (`friskey hook install` \
             on the server) rejects the key if somebody pushes it again.",
            if facts.first_commits.is_empty() { "" } else { " The last command must fail." }
        ),
    }
}

/// The command that fails once the first rewritten commit is gone; `None` if no commit was rewritten.
fn look_up_command(facts: &StepFacts) -> Option<String> {
    facts.first_commits.first().map(|id| format!("git cat-file -t {id}"))
}

/// A path or URL, quoted as one argument for a shell.
fn quote_for_shell(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_mention_the_command_that_must_fail_only_if_there_is_one() {
        for (first_commits, is_mentioned) in [(vec![], false), (vec!["0123abcd".to_owned()], true)] {
            let steps = list(&StepFacts { first_commits, ..StepFacts::default() });
            for audience in ["server", "colleagues"] {
                let step = steps.iter().find(|step| step.audience == audience).unwrap();
                let has_command = step.commands.iter().any(|command| command == "git cat-file -t 0123abcd");
                assert_eq!(
                    (has_command, step.text.contains("must fail")),
                    (is_mentioned, is_mentioned),
                    "{step:?}"
                );
            }
        }
    }

    #[test]
    fn missing_ids_are_called_none() {
        let steps = list(&StepFacts::default());
        let github = steps.iter().find(|step| step.audience == "github").unwrap();
        assert!(
            github.text.contains("commits (none) and the Git LFS objects to delete (none)"),
            "{}",
            github.text
        );
    }
}
