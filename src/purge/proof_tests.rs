//! Proofs that fail: each thing that a proof promises, in a repository where it does not hold.

use std::collections::HashMap;
use std::time::Instant;

use super::proof::{Expected, prove};
use super::purged_keys::PurgedKeys;
use super::refs::RefPlan;
use super::rewriter::Rewritten;
use super::run::PurgeRun;
use super::{ContainerTreatment, PurgeError, PurgeOptions, audit};
use crate::container::Limits;
use crate::detect::Detector;
use crate::git::scratch::Scratch;
use crate::git::{ObjectId, refs};
use crate::model::{Confidence, Draft};
use crate::rules::{RuleSet, expand};
use crate::scan::{KeysByObject, Settings, Stop};
use crate::suppress::Policy;

/// A repository with a key, and what an audit finds in it.
struct Leaked {
    scratch: Scratch,
    rules: RuleSet,
    detector: Detector,
    policy: Policy,
    stop: Stop,
}

impl Leaked {
    fn new() -> Self {
        let scratch = Scratch::new(&[]);
        let key =
            String::from_utf8(expand("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", 1).text).unwrap();
        scratch.write(".env", &format!("K={key}\n"));
        scratch.commit("leak");
        let rules = RuleSet::built_in().unwrap();
        let detector = Detector::new(&rules).unwrap();
        Self { scratch, rules, detector, policy: Policy::default(), stop: Stop::default() }
    }

    fn settings(&self) -> Settings<'_> {
        Settings {
            detector: &self.detector,
            rules_digest: "",
            min_confidence: Confidence::Medium,
            policy: &self.policy,
            only: None,
            limits: Limits::default(),
            stop: &self.stop,
        }
    }

    fn options(&self) -> PurgeOptions {
        PurgeOptions {
            repo: self.scratch.path().to_owned(),
            into: None,
            keys: Vec::new(),
            containers: ContainerTreatment::Stub,
            keep_message_ids: false,
            rules: self.rules.clone(),
            exclude: None,
            threads: 1,
            now: 0,
            progress: None,
        }
    }

    fn found(&self) -> (Draft, KeysByObject) {
        audit(&self.settings(), &self.options()).unwrap()
    }

    /// Proves the repository against itself, as if `change` had been planned.
    fn prove(&self, keys: bool, change: impl Fn(&mut RefPlan, &mut Rewritten)) -> Result<(), PurgeError> {
        let (draft, _) = self.found();
        let draft = if keys { draft } else { Draft { leaks: Vec::new(), ..draft } };
        let mut keys = PurgedKeys::select(&draft, &[], Confidence::Medium);
        keys.learn(&self.found().0);
        let repo = self.scratch.open();
        let mut plan = RefPlan::new(&refs::read(&repo), &keys, &self.detector).unwrap();
        let mut done = Rewritten::default();
        change(&mut plan, &mut done);
        let expected = Expected { keys: &keys, plan: &plan, done: &done, tip_trees: &HashMap::new() };
        prove(self.scratch.path(), &repo, &self.settings(), &self.options(), &expected).map(drop)
    }
}

#[test]
fn what_is_not_as_planned_is_not_proven() {
    let leaked = Leaked::new();
    assert!(matches!(leaked.prove(true, |_, _| {}), Err(PurgeError::KeyLeft(..))), "the key is there");
    assert!(leaked.prove(false, |_, _| {}).is_ok(), "without a key to find, nothing is wrong");
    let (blob, commit) = (leaked.scratch.id("HEAD:.env"), leaked.scratch.id("HEAD"));
    let zero = ObjectId::null(blob.kind());
    let old = leaked.prove(false, |_, done| {
        done.new.insert(blob, zero);
    });
    assert!(old.unwrap_err().to_string().contains(&format!("the old object {blob} is in it")));
    let moved = leaked.prove(false, |plan, _| plan.refs[0].new_name = "refs/heads/other".to_owned());
    assert!(moved.unwrap_err().to_string().contains("its refs are not those of the old repository"));
    let lost = leaked.prove(false, |plan, _| plan.refs[0].id = blob);
    assert!(lost.is_err(), "{commit} is where {blob} was planned");
}

/// Whatever ends a purge early, the repository that it was writing goes.
#[test]
fn a_purge_that_fails_leaves_nothing() {
    let leaked = Leaked::new();
    let beside = tempfile::tempdir().unwrap();
    let options = PurgeOptions { into: Some(beside.path().join("new.git")), ..leaked.options() };
    let (draft, found) = leaked.found();
    let keys = PurgedKeys::select(&draft, &[], Confidence::Medium);
    let repo = leaked.scratch.open();
    // An audit that overlooked the key: the proof finds it.
    let overlooked =
        KeysByObject { keys: found.keys.clone(), objects: Default::default(), unsearched: Vec::new() };
    let deliver = |_: &super::PurgeReport| Ok(());
    let settings = leaked.settings();
    let job = PurgeRun {
        settings: &settings,
        options: &options,
        repo: &repo,
        draft: &draft,
        keys: &keys,
        start: Instant::now(),
        deliver: &deliver,
    };
    assert!(matches!(job.run(&overlooked), Err(PurgeError::KeyLeft(..))));
    assert_eq!(std::fs::read_dir(beside.path()).unwrap().count(), 0);
    assert!(job.run(&found).is_ok());
    assert_eq!(std::fs::read_dir(beside.path()).unwrap().count(), 1);
}
