//! From what a CI system says of an event to what is to be scanned. Pure: no repository is asked, so
//! that every event can be tried as data.

use anyhow::{Result, bail};
use serde_json::Value;

use super::{github, systems};
use crate::git::{is_id, is_zero};

/// What to scan, before the repository was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Nothing came in: a branch was deleted.
    Nothing,
    /// All that the repository holds: the event is about no commits.
    Whole,
    /// What is reachable from `head` and not from `base`.
    Between { base: Rev, head: Rev },
    /// What a push brought.
    Push(Push),
}

/// A push of one ref.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Push {
    /// What the ref was; nothing when it is new.
    pub(super) before: Option<String>,
    /// What it is.
    pub(super) after: String,
    /// Its full name, where it is known.
    pub(super) name: Option<String>,
    /// The short name of the default branch, where it is known.
    pub(super) default_branch: Option<String>,
}

/// A commit, by what the CI system gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rev {
    /// A full id.
    Id(String),
    /// What a branch is at the remote.
    Branch(String),
    /// A revision that the user wrote.
    Named(String),
}

impl Rev {
    /// In git's words. A branch that is not here is not another one of that name.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Id(id) => id.clone(),
            Self::Branch(name) => format!("refs/remotes/origin/{name}"),
            Self::Named(name) => name.clone(),
        }
    }
}

/// The scope of an event, and what event it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) scope: Scope,
    /// `GitHub push`, for the report.
    pub(super) event: String,
    /// How this system is told to fetch the whole history.
    pub(super) deepen: Option<&'static str>,
    /// Whether the ref that the system names for the run is that of the change itself.
    pub(super) own_ref: bool,
    /// What the run is for; nothing outside of CI, and where the user gives the range.
    pub(super) run: Option<Run>,
}

/// What a CI system says about the run itself, whatever the event is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// The full name of the ref that the run is for, if known.
    pub(super) name: Option<String>,
    /// The short name of the default branch, if known.
    pub(super) default_branch: Option<String>,
    /// The commit that the run is for, if known.
    pub(super) commit: Option<String>,
    /// The commit that the change is based on, for an event that is about a request but names no range.
    pub(super) base: Option<String>,
    /// Whether a push may have started the run, of which the system does not say what was there before.
    pub(super) may_be_push: bool,
}

impl Run {
    /// The run for the branch in the variable `branch`, given in short.
    pub(super) fn for_branch(branch: Option<String>, default_branch: Option<String>) -> Self {
        let name = branch.map(|name| match name.strip_prefix("refs/") {
            Some(_) => name,
            None => format!("refs/heads/{name}"),
        });
        Self { name, default_branch, ..Self::default() }
    }
}

impl Plan {
    /// The category of the report, if it is not that of the command: the whole history of the run's ref, or all that
    /// a request adds to it, is the whole answer about that ref, and replaces the one before. What one push
    /// brought is not.
    pub(super) fn category(&self) -> Option<&'static str> {
        match self.scope {
            Scope::Whole => Some("history"),
            Scope::Between { .. } if self.own_ref => Some("history"),
            Scope::Between { .. } | Scope::Push(_) | Scope::Nothing => None,
        }
    }
}

/// The variables of the environment, in which an empty one counts as none.
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
    /// When something else stands there.
    pub(super) fn id(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if !is_id(&value) {
            bail!("the variable {name} holds no full commit id");
        }
        Ok(Some(value))
    }

    /// The same, where there must be one.
    pub(super) fn needed_id(&self, name: &str) -> Result<String> {
        match self.id(name)? {
            Some(id) => Ok(id),
            None => bail!("the variable {name} is not set; give the range with --base and --head"),
        }
    }
}

/// What the user asks for wins; then comes the CI system that the environment tells of; elsewhere it is
/// the whole history, since nothing says that less would do.
///
/// # Errors
/// An event that holds no sense: an id that is none, a field that is missing.
pub(super) fn plan(
    variables: &Variables<'_>,
    payload: impl FnOnce() -> Result<Value>,
    base: Option<&str>,
    head: Option<&str>,
) -> Result<Plan> {
    if base.is_some() || head.is_some() {
        return asked(base, head);
    }
    if variables.is_set("GITHUB_ACTIONS") {
        return github::plan(variables, payload);
    }
    if let Some(plan) = systems::plan(variables)? {
        return Ok(plan);
    }
    let event = "no CI system that is known".to_owned();
    Ok(Plan { scope: Scope::Whole, event, deepen: None, own_ref: false, run: None })
}

fn asked(base: Option<&str>, head: Option<&str>) -> Result<Plan> {
    let head = revision("--head", head.unwrap_or("HEAD"))?;
    let event = "--base and --head".to_owned();
    let scope = match base.filter(|base| !base.is_empty()) {
        // CI systems write zeros where there was nothing before.
        Some(base) if !is_zero(base) => {
            Scope::Between { base: revision("--base", base)?, head: Rev::Named(head.word()) }
        }
        _ => Scope::Push(Push { after: head.word(), ..Push::default() }),
    };
    Ok(Plan { scope, event, deepen: None, own_ref: false, run: None })
}

/// One revision, and not an option or a range of several.
fn revision(option: &str, text: &str) -> Result<Rev> {
    let text = if text.is_empty() { "HEAD" } else { text };
    if text.starts_with(['-', '^']) || text.contains("..") || text.contains(char::is_whitespace) {
        bail!("{option} takes one revision: a branch, a tag or a commit id");
    }
    Ok(Rev::Named(text.to_owned()))
}
