//! Tests of the real binary on real files and repositories.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod action;
mod action_install;
mod ambiguous;
mod cache;
mod cache_head_tree;
mod cache_indexes;
mod cache_links;
mod cache_random;
mod cache_unopened;
mod ci;
mod ci_policy;
mod containers;
#[path = "../kit/credential_templates.rs"]
mod credential_templates;
mod credentials;
mod encoded;
mod fleet;
mod floods;
#[path = "../kit/git.rs"]
mod git;
mod history;
mod hook_install;
mod hooks;
mod ignore;
mod lfs;
mod links;
mod messages;
mod narrowed;
mod next_steps;
mod purged;
mod push;
mod reftable;
mod report_files;
mod repository_details;
#[path = "../kit/sarif.rs"]
mod sarif;
mod scan;
#[path = "../kit/scratch.rs"]
mod scratch;
mod support;
mod surfaces;
mod time;
mod trace;
