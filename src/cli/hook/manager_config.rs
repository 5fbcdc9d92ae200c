//! Determines from the configuration of a hook manager whether it runs friskey.
//!
//! YAML is not parsed but read line by line, in the style usual for these managers. This is enough to find friskey and the
//! hook under which it is listed.

use std::path::{Path, PathBuf};

use super::managers::{MAX_HOOK_SIZE, Manager};
use crate::cli::args::Hook;
use crate::untrusted::{self, ReadError, Symlinks};

/// The default stages of the hooks `friskey` and `friskey-system`, from `.pre-commit-hooks.yaml`.
const DEFAULT_STAGES: [&str; 3] = ["pre-commit", "pre-merge-commit", "pre-push"];

/// What a configuration file says about a hook.
#[derive(Debug)]
pub(super) struct ManagerConfig {
    /// The path of the file, relative to the work tree, for messages.
    pub(super) file: String,
    /// Whether it runs friskey, or why it cannot be read.
    pub(super) runs_friskey: Result<bool, ReadError>,
}

/// Reads what `manager` is configured to do as `hook`. `hook_text` is what the manager wrote as `hook` into `dir`, the
/// directory of hooks. `None` if there is no configuration file.
pub(super) fn read_manager_config(
    manager: Manager,
    hook: Hook,
    hook_text: &str,
    dir: &Path,
    work_tree: &Path,
) -> Option<ManagerConfig> {
    let mut config = None;
    for path in config_files(manager, hook, hook_text, dir, work_tree) {
        let runs_friskey = match untrusted::read(&path, Symlinks::Follow, MAX_HOOK_SIZE) {
            Err(ReadError::NotFound) => continue,
            Err(error) => Err(error),
            Ok(text) => Ok(runs_friskey(manager, hook, &path, &String::from_utf8_lossy(&text))),
        };
        let is_decisive = !matches!(runs_friskey, Ok(false));
        let file = path
            .strip_prefix(work_tree)
            .or_else(|_| path.strip_prefix("."))
            .unwrap_or(&path)
            .display()
            .to_string();
        // If no file runs friskey, the first one is reported, since that is where to add it.
        if is_decisive || config.is_none() {
            config = Some(ManagerConfig { file, runs_friskey });
        }
        if is_decisive {
            break;
        }
    }
    config
}

/// The configuration files that `manager` may read, the most important first.
fn config_files(manager: Manager, hook: Hook, hook_text: &str, dir: &Path, work_tree: &Path) -> Vec<PathBuf> {
    let in_work_tree = |names: &[&str]| names.iter().map(|name| work_tree.join(name)).collect();
    match manager {
        // Husky 9 points git at `.husky/_`, whose hooks run those above.
        Manager::Husky => match dir.file_name().is_some_and(|name| name == "_") {
            true => dir.parent().map(|above| above.join(hook.name())).into_iter().collect(),
            false => vec![dir.join(hook.name())],
        },
        Manager::PreCommit => match config_option(hook_text) {
            Some(name) => in_work_tree(&[&name]),
            None => in_work_tree(&["prek.toml", ".pre-commit-config.yaml", ".pre-commit-config.yml"]),
        },
        Manager::Lefthook => {
            let mut paths = Vec::new();
            for suffix in ["", "-local"] {
                for dir in ["", ".", ".config/"] {
                    for kind in ["yml", "yaml", "toml", "json"] {
                        paths.push(work_tree.join(format!("{dir}lefthook{suffix}.{kind}")));
                    }
                }
            }
            paths
        }
    }
}

/// The value of `--config` in the hook that pre-commit or prek wrote.
fn config_option(hook_text: &str) -> Option<String> {
    let value = hook_text.split_once("--config")?.1.trim_start_matches(['=', ' ', '"', '\'']);
    let end = value.find(|c: char| c.is_whitespace() || "\"')".contains(c)).unwrap_or(value.len());
    value.get(..end).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn runs_friskey(manager: Manager, hook: Hook, path: &Path, text: &str) -> bool {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(without_comment).collect();
    match (manager, kind) {
        (Manager::Husky, _) => lines.iter().any(|line| is_command(line, hook)),
        (Manager::PreCommit, _) => friskey_items(&lines).iter().any(|item| is_in_stage(item, hook, &lines)),
        (Manager::Lefthook, "json") => {
            let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
            value.get(hook.name()).is_some_and(|hook| hook.to_string().contains("friskey"))
        }
        (Manager::Lefthook, _) => section_lines(&lines, hook).any(|line| is_command(line, hook)),
    }
}

/// Whether the line runs friskey as `hook`, rather than as another hook.
fn is_command(line: &str, hook: Hook) -> bool {
    let Some((_, rest)) = line.split_once("friskey") else { return false };
    let other = rest.split_once("hook run ").and_then(|(_, rest)| rest.split_whitespace().next());
    let is_staged = |name: &str| name == "pre-commit" || name == "pre-merge-commit";
    other.is_none_or(|other| {
        let other = other.trim_matches(['"', '\'', ',', '}']);
        other == hook.name() || (is_staged(other) && is_staged(hook.name()))
    })
}

/// The lines below the top-level key `hook` of YAML, or in its tables of TOML.
fn section_lines<'l>(lines: &'l [&'l str], hook: Hook) -> impl Iterator<Item = &'l str> {
    let mut is_in_section = false;
    lines.iter().copied().filter(move |line| {
        if line.starts_with('[') || line.starts_with(|c: char| c.is_alphabetic() || "\"'".contains(c)) {
            let name = line.trim_start_matches(['[', '"', '\'']);
            let rest = name.strip_prefix(hook.name());
            is_in_section = match line.starts_with('[') {
                true => rest.is_some_and(|rest| rest.starts_with(['.', ']', '"', '\''])),
                // In a table of TOML, keys start a line as well.
                false if line.contains('=') && !line.contains(':') => is_in_section,
                false => rest.is_some_and(|rest| rest.starts_with([':', '"', '\''])),
            };
        }
        is_in_section
    })
}

/// The list items of a `.pre-commit-config.yaml` or `prek.toml` that define a hook that is, or runs, friskey.
fn friskey_items(lines: &[&str]) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for line in lines {
        let text = line.trim();
        let starts_item = (text.starts_with('-') && text.contains(':')) || text.starts_with(['[', '{']);
        match items.last_mut() {
            Some(item) if !starts_item => {
                item.push('\n');
                item.push_str(text);
            }
            _ => items.push(text.to_owned()),
        }
    }
    items.retain(|item| {
        let is_named = |key: &str| value_after(item, key).is_some_and(|value| value.contains("friskey"));
        is_named("id") || is_named("entry")
    });
    items
}

/// Whether the hook in `item` runs at the stage `hook`.
fn is_in_stage(item: &str, hook: Hook, lines: &[&str]) -> bool {
    let config = lines.join("\n");
    // Without a command of its own, it is the hook that friskey publishes.
    let is_published = value_after(item, "entry").is_none();
    let stages = match (list_after(item, "stages"), is_published) {
        (Some(stages), _) => stages,
        (None, true) => DEFAULT_STAGES.map(str::to_owned).to_vec(),
        (None, false) => match list_after(&config, "default_stages") {
            Some(stages) => stages,
            None => return true,
        },
    };
    // pre-commit still accepts the names without `pre-`.
    stages.iter().any(|stage| {
        *stage == hook.name() || (hook != Hook::CommitMsg && format!("pre-{stage}") == hook.name())
    })
}

/// What follows `key` and a colon or an equals sign, up to the end of the line.
fn value_after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let rest = text_after_key(text, key)?;
    let line = rest.lines().next().unwrap_or_default();
    // In braces, the next key ends the value.
    Some(line.split_once(',').map_or(line, |(value, _)| value))
}

fn text_after_key<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.match_indices(key).find_map(|(offset, _)| {
        let is_start = !text[..offset].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
        let rest = text[offset + key.len()..].trim_start_matches(['"', '\'', ' ']);
        rest.strip_prefix([':', '=']).filter(|_| is_start)
    })
}

/// The items of the list after `key`, in brackets or one per line.
fn list_after(text: &str, key: &str) -> Option<Vec<String>> {
    let rest = text_after_key(text, key)?;
    let rest = rest.trim_start_matches(' ');
    let list = match rest.strip_prefix('[') {
        Some(list) => list.split(']').next().unwrap_or_default().to_owned(),
        None => {
            let lines = rest.trim_start().lines().map(str::trim);
            let words = lines.map_while(|line| line.strip_prefix('-')).filter(|line| !line.contains(':'));
            words.collect::<Vec<_>>().join(",")
        }
    };
    let words = list.split([',', '\n']).map(|word| word.trim_matches([' ', '"', '\'', '\r']));
    Some(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

/// The line without a comment at its end, as shells, YAML and TOML write it.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.split_once(" #").map_or(line, |(before, _)| before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pre_commit_runs_friskey(text: &str, hook: Hook) -> bool {
        runs_friskey(Manager::PreCommit, hook, Path::new(".pre-commit-config.yaml"), text)
    }

    #[test]
    fn pre_commit_runs_friskey_at_the_configured_stages_only() {
        let published =
            "repos:\n- repo: https://github.com/friskey/friskey\n  rev: v1\n  hooks:\n  - id: friskey\n";
        assert!(
            pre_commit_runs_friskey(published, Hook::PreCommit)
                && pre_commit_runs_friskey(published, Hook::PrePush)
        );
        assert!(!pre_commit_runs_friskey(published, Hook::CommitMsg));
        let short = published.replace("id: friskey", "{id: friskey, stages: [push]}");
        assert!(
            pre_commit_runs_friskey(&short, Hook::PrePush)
                && !pre_commit_runs_friskey(&short, Hook::PreCommit)
        );
        let list = format!("{published}    stages:\n      - pre-push\n      - pre-commit\n    name: x\n");
        assert!(
            pre_commit_runs_friskey(&list, Hook::PreCommit)
                && !pre_commit_runs_friskey(&list, Hook::PreMergeCommit)
        );
        let local = "- repo: local\n  hooks:\n  - {id: a, entry: friskey hook run commit-msg --, stages: [commit-msg]}\n";
        assert!(
            pre_commit_runs_friskey(local, Hook::CommitMsg)
                && !pre_commit_runs_friskey(local, Hook::PreCommit)
        );
        for other in
            ["- id: other # friskey\n", "# - id: friskey\n", "- repo: /friskey\n  hooks:\n  - id: x\n"]
        {
            assert!(!pre_commit_runs_friskey(other, Hook::PreCommit), "{other}");
        }
    }

    #[test]
    fn lefthook_runs_friskey_only_as_the_hook_whose_section_names_it() {
        let runs =
            |name: &str, text: &str, hook| runs_friskey(Manager::Lefthook, hook, Path::new(name), text);
        let yaml = "pre-commit:\n  commands:\n    friskey:\n      run: friskey hook run pre-commit\npre-push:\n  jobs:\n  - run: x\n";
        let toml = "[pre-commit.commands.friskey]\nrun = \"friskey hook run pre-commit\"\n[pre-push.commands.x]\nrun = \"x\"\n";
        let json =
            r#"{"pre-commit": {"commands": {"a": {"run": "friskey hook run pre-commit"}}}, "pre-push": {}}"#;
        for (name, text) in [("lefthook.yml", yaml), ("lefthook.toml", toml), ("lefthook.json", json)] {
            assert!(runs(name, text, Hook::PreCommit), "{name}");
            assert!(!runs(name, text, Hook::PrePush) && !runs(name, text, Hook::CommitMsg), "{name}");
        }
    }

    #[test]
    fn husky_runs_friskey_if_a_command_of_the_hook_does() {
        let runs = |text: &str| runs_friskey(Manager::Husky, Hook::PrePush, Path::new("pre-push"), text);
        assert!(runs("npm test\nfriskey hook run pre-push -- \"$@\"\n"));
        assert!(!runs("# friskey hook run pre-push\nnpm test # friskey\nfriskey hook run pre-commit\n"));
    }
}
