//! Tests that a proof fails on a repository that differs from the plan in any way that a proof must notice.

use std::collections::HashMap;
use std::time::Instant;

use super::proof::{ExpectedRepository, prove};
use super::purged_keys::PurgedKeys;
use super::refs::RefPlan;
use super::rewriter::Rewrites;
use super::run::PurgeRun;
use super::{ContainerTreatment, PurgeError, PurgeOptions, audit};
use crate::container::Limits;
use crate::detect::Detector;
use crate::git::scratch::Scratch;
use crate::git::{ObjectId, refs};
use crate::model::{Confidence, Draft};
use crate::rules::{RuleSet, expand_template};
use crate::scan::{KeysByObject, Settings, Stop};
use crate::suppress::Policy;

/// A repository with a key, and the settings of its audit.
struct LeakyRepository {
    scratch: Scratch,
    rules: RuleSet,
    detector: Detector,
    policy: Policy,
    stop: Stop,
}

impl LeakyRepository {
    fn new() -> Self {
        let scratch = Scratch::new(&[]);
        let key =
            String::from_utf8(expand_template("sk-proj-{base64url:74}{marker}{base64url:72}{zero}", 1).text)
                .unwrap();
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
            key_filter: None,
            limits: Limits::default(),
            stop: &self.stop,
        }
    }

    fn options(&self) -> PurgeOptions {
        PurgeOptions {
            repo: self.scratch.path().to_owned(),
            destination: None,
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

    fn audit(&self) -> (Draft, KeysByObject) {
        audit(&self.settings(), &self.options()).unwrap()
    }

    /// Proves the repository against itself, with a plan to which `change` was applied. Its key is purged only with
    /// `with_keys`.
    fn prove(&self, with_keys: bool, change: impl Fn(&mut RefPlan, &mut Rewrites)) -> Result<(), PurgeError> {
        let (draft, _) = self.audit();
        let draft = if with_keys { draft } else { Draft { leaks: Vec::new(), ..draft } };
        let mut keys = PurgedKeys::select(&draft, &[], Confidence::Medium);
        keys.add_old_fingerprints(&self.audit().0);
        let repo = self.scratch.open();
        let mut plan = RefPlan::new(&refs::read(&repo), &keys, &self.detector).unwrap();
        let mut rewrites = Rewrites::default();
        change(&mut plan, &mut rewrites);
        let expected =
            ExpectedRepository { keys: &keys, plan: &plan, rewrites: &rewrites, tip_trees: &HashMap::new() };
        prove(self.scratch.path(), &repo, &self.settings(), &self.options(), &expected).map(drop)
    }
}

#[test]
fn a_repository_that_differs_from_the_plan_is_not_proven() {
    let repository = LeakyRepository::new();
    assert!(
        matches!(repository.prove(true, |_, _| {}), Err(PurgeError::KeyLeft { .. })),
        "the key is still in it"
    );
    assert!(repository.prove(false, |_, _| {}).is_ok(), "without a key to find, nothing is wrong");
    let (blob, commit) = (repository.scratch.id("HEAD:.env"), repository.scratch.id("HEAD"));
    let zero = ObjectId::null(blob.kind());
    let with_old_object = repository.prove(false, |_, rewrites| {
        rewrites.new_ids.insert(blob, zero);
    });
    assert!(with_old_object.unwrap_err().to_string().contains(&format!("the old object {blob} is in it")));
    let with_other_ref =
        repository.prove(false, |plan, _| plan.refs[0].new_name = "refs/heads/other".to_owned());
    assert!(with_other_ref.unwrap_err().to_string().contains("its refs are not those of the old repository"));
    let with_other_target = repository.prove(false, |plan, _| plan.refs[0].id = blob);
    assert!(with_other_target.is_err(), "the ref leads to {commit}, and the plan says {blob}");
}

#[test]
fn a_purge_whose_proof_fails_leaves_no_repository() {
    let repository = LeakyRepository::new();
    let parent = tempfile::tempdir().unwrap();
    let options = PurgeOptions { destination: Some(parent.path().join("new.git")), ..repository.options() };
    let (draft, keys_by_object) = repository.audit();
    let keys = PurgedKeys::select(&draft, &[], Confidence::Medium);
    let repo = repository.scratch.open();
    // As if the audit had overlooked the object with the key, so that only the proof finds it.
    let without_objects = KeysByObject {
        keys: keys_by_object.keys.clone(),
        objects: Default::default(),
        unsearched: Vec::new(),
    };
    let deliver = |_: &super::PurgeReport| Ok(());
    let settings = repository.settings();
    let purge_run = PurgeRun {
        settings: &settings,
        options: &options,
        repo: &repo,
        draft: &draft,
        keys: &keys,
        start: Instant::now(),
        deliver: &deliver,
    };
    assert!(matches!(purge_run.run(&without_objects), Err(PurgeError::KeyLeft { .. })));
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    assert!(purge_run.run(&keys_by_object).is_ok());
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
}
