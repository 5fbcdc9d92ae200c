//! Types for the plan of a CI run: the scope of an event, and what the CI system reports about the run.

use anyhow::{Result, bail};

use crate::git::is_id;

/// What to scan, before it is resolved in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// No commits were added: a branch was deleted.
    Nothing,
    /// Everything in the repository: the event has no range of commits.
    Whole,
    /// Commits reachable from `head` but not from `base`.
    Between { base: Rev, head: Rev },
    /// The commits of a push.
    Push(PushEvent),
}

/// A push of one ref.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PushEvent {
    /// The previous commit of the ref; `None` if it is new.
    pub(super) before: Option<String>,
    /// The new commit.
    pub(super) after: String,
    /// The full name of the ref, if known.
    pub(super) ref_name: Option<String>,
    /// The short name of the default branch, if known.
    pub(super) default_branch: Option<String>,
}

/// A commit, as the CI system specifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rev {
    /// A full id.
    Id(String),
    /// The remote's branch with this name.
    Branch(String),
    /// A revision specified by the user.
    User(String),
}

impl Rev {
    /// The revision in git's syntax. A branch is a full ref name, so that no other ref of that name is used in its place.
    pub(super) fn revision(&self) -> String {
        match self {
            Self::Id(id) => id.clone(),
            Self::Branch(name) => format!("refs/remotes/origin/{name}"),
            Self::User(name) => name.clone(),
        }
    }
}

/// What to scan for an event, and how to describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CiPlan {
    pub(super) scope: Scope,
    /// A description for the report, e.g. `GitHub push`.
    pub(super) event: String,
    /// How to configure this system to fetch the whole history.
    pub(super) fetch_all_hint: Option<&'static str>,
    /// Whether the run is for the ref that was changed, rather than, for example, a merge ref.
    pub(super) is_run_on_changed_ref: bool,
    /// What the run is for; `None` outside of CI, and if the user specifies the range.
    pub(super) run: Option<CiRun>,
}

/// What a CI system reports about the run itself, regardless of the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CiRun {
    /// The full name of the ref that the run is for, if known.
    pub(super) ref_name: Option<String>,
    /// The short name of the default branch, if known.
    pub(super) default_branch: Option<String>,
    /// The commit that the run is for, if known.
    pub(super) commit: Option<String>,
    /// The base of the change, for a pull request event without a range.
    pub(super) base: Option<String>,
    /// Whether a push may have started the run while the system does not report the previous commit.
    pub(super) may_be_push: bool,
}

impl CiRun {
    /// The run for the branch whose short name is in the variable `branch`.
    pub(super) fn for_branch(branch: Option<String>, default_branch: Option<String>) -> Self {
        let ref_name = branch.map(|name| match name.strip_prefix("refs/") {
            Some(_) => name,
            None => format!("refs/heads/{name}"),
        });
        Self { ref_name, default_branch, ..Self::default() }
    }
}

impl CiPlan {
    /// The SARIF category (`automationDetails.id`), if it differs from the command's. A whole history of the run's ref, or
    /// everything that a pull request adds to it, covers that ref completely and replaces the previous report.
    /// The commits of one push do not.
    pub(super) fn category(&self) -> Option<&'static str> {
        match self.scope {
            Scope::Whole => Some("history"),
            Scope::Between { .. } if self.is_run_on_changed_ref => Some("history"),
            Scope::Between { .. } | Scope::Push(_) | Scope::Nothing => None,
        }
    }
}

/// Environment variables; an empty one is treated as unset.
pub(super) struct Variables<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The full object id in a variable.
    ///
    /// # Errors
    /// The variable contains anything else.
    pub(super) fn id(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if !is_id(&value) {
            bail!("the variable {name} does not contain a full commit id");
        }
        Ok(Some(value))
    }

    /// Like [`Self::id`], for a required variable.
    ///
    /// # Errors
    /// The variable is not set, or does not contain a full object id.
    pub(super) fn required_id(&self, name: &str) -> Result<String> {
        match self.id(name)? {
            Some(id) => Ok(id),
            None => bail!("the variable {name} is not set; give the range with --base and --head"),
        }
    }
}
