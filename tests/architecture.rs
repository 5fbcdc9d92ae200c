//! Enforces `docs/architecture.md`: which module may use which, what each file begins with, and that every list of files is
//! complete.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of the crate and their layers. An arrow leads to a lower layer.
const LAYERS: &[(&str, u8)] = &[
    ("alignment", 0),
    ("model", 0),
    ("untrusted", 0),
    ("globs", 1),
    ("cache", 1),
    ("rules", 1),
    ("threads", 1),
    ("container", 2),
    ("detect", 2),
    ("fleet", 2),
    ("source", 2),
    ("git", 2),
    ("provider", 2),
    ("suppress", 2),
    ("report", 2),
    ("scan", 3),
    ("purge", 4),
    ("prove", 4),
    ("cli", 5),
];

/// The arrows within one layer.
const SIDEWAYS: &[(&str, &str)] =
    &[("untrusted", "alignment"), ("source", "git"), ("source", "container"), ("container", "git")];

const NO_PROGRAM: &str = "friskey starts no other program, but for those in CHILD_PROCESSES";

/// What only some modules may touch: a piece of code, the modules, and why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("process::Command", &[], NO_PROGRAM),
    ("Command::new(", &[], NO_PROGRAM),
    ("std::net", &[], "connections are ureq's business"),
    ("ureq::", &["provider"], "only `provider` opens a connection"),
    ("rustls::", &["provider"], "only `provider` opens a connection"),
    ("gix::", &["git"], "only `git` opens a repository"),
    ("std::env", &["cli"], "nothing below the command line knows of the environment"),
    ("clap::", &["cli"], "nothing below the command line knows of arguments"),
    ("anyhow", &["cli"], "below the command line errors are types"),
    ("io::stdout", &["cli"], "a report is written where its caller says"),
    (".into_report(", &["scan"], "only `scan` redacts a draft, with every key that it found"),
    ("Report::of_redacted(", &["model"], "a report that is not redacted cannot exist"),
];

/// The files that may start a program, and why.
const CHILD_PROCESSES: &[(&str, &str)] = &[(
    "src/cli/revoke/hand_over.rs",
    "`revoke --replace --to` gives a new key to a program that the user names, so that nobody has to copy it",
)];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file under `src`.
struct File {
    /// Relative to the root, with `/`.
    path: String,
    /// The code, without lines that are comments.
    code: String,
    text: String,
    /// The modules it belongs to, outermost first; empty for `lib.rs` and `main.rs`.
    module: Vec<String>,
    /// Compiled for unit tests only.
    for_tests: bool,
}

impl File {
    /// The module of the crate that it belongs to.
    fn top(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// The code before the unit tests; nothing of a file that is there for them.
    fn product(&self) -> &str {
        if self.for_tests {
            ""
        } else {
            let before = |attribute: &str| self.code.split(&format!("{attribute}\nmod tests {{")).next();
            // A module of tests may be for one platform only.
            let parts = ["#[cfg(test)]", "#[cfg(all(test, unix))]"].map(before);
            parts.into_iter().flatten().min_by_key(|part| part.len()).unwrap_or_default()
        }
    }
}

fn sources() -> Vec<File> {
    let mut paths = Vec::new();
    collect(&root().join("src"), &mut paths);
    paths.sort();
    assert!(paths.len() > 10, "src holds more files than that");
    let mut files: Vec<File> = paths.iter().map(|path| file(path)).collect();
    let for_tests: Vec<Vec<String>> = files
        .iter()
        .filter(|file| {
            let is_declared =
                |line: &str| declares(&files, file, |name| format!("#[cfg(test)]\n{line} {name};"));
            is_declared("mod") || is_declared("pub(crate) mod")
        })
        .map(|file| file.module.clone())
        .collect();
    for file in &mut files {
        // With a module go those in it.
        file.for_tests = for_tests.iter().any(|module| file.module.starts_with(module));
    }
    files
}

/// Whether the parent of `file` contains the text that `line` derives from the file's name.
fn declares(files: &[File], file: &File, line: impl Fn(&str) -> String) -> bool {
    let Some((name, parent)) = file.module.split_last() else { return false };
    let mut parents = files.iter().filter(|other| other.module == parent && other.path != file.path);
    parents.any(|other| other.code.contains(&line(name)))
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn file(path: &Path) -> File {
    let text = fs::read_to_string(path).expect("a source file can be read");
    let relative = path.strip_prefix(root().join("src")).expect("it is under src").with_extension("");
    let mut module: Vec<String> =
        relative.iter().map(|part| part.to_str().expect("an ASCII name").to_owned()).collect();
    if ["mod", "lib", "main"].contains(&module.last().map_or("", String::as_str)) {
        module.pop();
    }
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    File {
        path: format!("src/{}.rs", relative.display()).replace('\\', "/"),
        code,
        text,
        module,
        for_tests: false,
    }
}

/// The modules that `code` names after `crate::`, in `use` lines and within expressions.
fn named(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let is_own_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_own_word {
            first_names(code[at + path.len()..].trim_start(), &mut names);
        }
    }
    names
}

/// The first name of the path that `rest` begins with, or of each path in its braces.
fn first_names(rest: &str, names: &mut BTreeSet<String>) {
    let name =
        |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().map(str::to_owned);
    let Some(group) = rest.strip_prefix('{') else {
        names.extend(name(rest));
        return;
    };
    let mut depth = 0;
    let mut start = Some(0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = Some(at + 1),
            c if !c.is_whitespace() && start.is_some() && depth == 0 => {
                start = None;
                names.extend(name(&group[at..]));
            }
            _ => {}
        }
    }
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

fn may_use(from: &str, to: &str) -> bool {
    from == to || SIDEWAYS.contains(&(from, to)) || layer(from) > layer(to)
}

#[test]
fn modules_use_only_lower_layers() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(from) = file.top() else { continue };
        assert!(
            layer(from).is_some(),
            "{}: give `{from}` a layer here and in docs/architecture.md",
            file.path
        );
        for to in named(&file.code) {
            if layer(&to).is_none() {
                wrong.push(format!("{}: `crate::{to}` is in no layer", file.path));
            } else if !may_use(from, &to) {
                wrong.push(format!("{}: `{from}` must not use `{to}`", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `super` out of a module of the crate would be an arrow that the other test does not see.
#[test]
fn paths_between_modules_begin_with_crate() {
    for file in sources() {
        let climbs = "super::".repeat(file.module.len());
        let found = !climbs.is_empty() && file.product().contains(&climbs);
        assert!(!found, "{}: write `crate::…` instead of `{climbs}…`", file.path);
    }
}

#[test]
fn reserved_features_stay_in_their_modules() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (piece, modules, why) in RESERVED {
            let starts = CHILD_PROCESSES.iter().any(|(path, _)| *path == file.path);
            if starts && *why == NO_PROGRAM {
                continue;
            }
            let may = file.top().is_none_or(|top| modules.contains(&top)) && file.path != "src/lib.rs";
            if !may && file.product().contains(piece) {
                wrong.push(format!("{}: `{piece}`, but {why}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_starts_with_its_purpose() {
    for file in sources() {
        assert!(file.text.starts_with("//! "), "{}: begin with a `//!` line", file.path);
    }
}

/// A file that no `mod` names is silently not compiled.
#[test]
fn every_file_is_a_module_of_its_parent() {
    let files = sources();
    for file in files.iter().filter(|file| !file.module.is_empty()) {
        let declared = declares(&files, file, |name| format!("mod {name};"));
        assert!(declared, "{}: no `mod` line for it in its parent", file.path);
    }
}

/// How many types of `dir` implement `interface`; each must be in the list of its `mod.rs`.
fn listed(dir: &str, interface: &str) -> usize {
    let files = sources();
    let mod_rs = format!("{dir}mod.rs");
    let list = files.iter().find(|file| file.path == mod_rs).expect("the list");
    let mut count = 0;
    for file in files.iter().filter(|file| file.path.starts_with(dir)) {
        for rest in file.product().split(&format!("impl {interface} for ")).skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            let entry = format!("&{}::{name}", file.module.last().expect("a module"));
            assert!(list.code.contains(&entry), "{}: `{name}` is not in ALL", file.path);
            count += 1;
        }
    }
    count
}

#[test]
fn every_check_and_encoding_is_in_its_list() {
    assert_eq!(listed("src/detect/checks/", "Check"), friskey::rules::CHECK_NAMES.len());
    assert!(listed("src/detect/encoding/", "Encoding") > 0);
}

/// A format is a module of `report` with a `write` of its own.
#[test]
fn every_format_is_in_the_list() {
    let files = sources();
    let list = files.iter().find(|file| file.path == "src/report/mod.rs").expect("the list of formats");
    let mut formats = 0;
    for file in files.iter().filter(|file| file.top() == Some("report") && file.module.len() == 2) {
        if file.code.contains("\npub(super) fn write(") {
            let name = &file.module[1];
            assert!(list.code.contains(&format!("render: {name}::write")), "{}: not in REPORTERS", file.path);
            formats += 1;
        }
    }
    assert_eq!(formats, friskey::report::REPORTERS.len());
}

#[test]
fn every_file_of_rules_is_in_the_list() {
    let list = fs::read_to_string(root().join("src/rules/mod.rs")).expect("the list of rule files");
    for entry in fs::read_dir(root().join("rules")).expect("the rules") {
        let name = entry.expect("the rules").file_name().into_string().expect("an ASCII name");
        assert!(
            list.contains(&format!("include_str!(\"../../rules/{name}\")")),
            "rules/{name} is not built in"
        );
    }
}

/// Type names that several modules define, and why. Any other name is unique.
const SHARED_TYPE_NAMES: &[(&str, &str)] =
    &[("Header", "the module names the format: `zip::Header`, `cpio::Header`")];

/// The type that a line of code at module level defines, if any.
fn defined_type(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ")?.1,
        None => line.strip_prefix("pub ").unwrap_or(line),
    };
    let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
    let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
    rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()
}

#[test]
fn type_names_are_unique() {
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources() {
        for name in file.product().lines().filter_map(defined_type) {
            modules.entry(name.to_owned()).or_default().insert(file.path.clone());
        }
    }
    modules.retain(|_, files| files.len() > 1);
    let is_listed = |name: &str| SHARED_TYPE_NAMES.iter().any(|(listed, _)| *listed == name);
    let new: Vec<_> = modules.iter().filter(|(name, _)| !is_listed(name)).collect();
    assert!(new.is_empty(), "rename all but one, or say in SHARED_TYPE_NAMES why not: {new:#?}");
    let stale: Vec<_> = SHARED_TYPE_NAMES.iter().filter(|(name, _)| !modules.contains_key(*name)).collect();
    assert!(
        stale.is_empty(),
        "these are defined only once, so remove them from SHARED_TYPE_NAMES: {stale:?}"
    );
}

#[test]
fn definitions_of_types_are_recognised() {
    let lines = [
        "struct A;",
        "pub(super) enum B {",
        "pub trait C: D {",
        "type E<T> = F;",
        "    type G = H;",
        "// struct I",
    ];
    let names: Vec<_> = lines.into_iter().filter_map(defined_type).collect();
    assert_eq!(names, ["A", "B", "C", "E"]);
}

#[test]
fn the_reader_of_paths_sees_all_of_them() {
    let code = "use crate::{model::{A, B}, rules::C,\n  scan};\nfn f() { crate::cli::run(); my_crate::x(); }";
    let names: Vec<_> = named(code).into_iter().collect();
    assert_eq!(names, ["cli", "model", "rules", "scan"]);
    assert!(may_use("scan", "detect") && may_use("source", "git") && may_use("cli", "model"));
    assert!(!may_use("git", "source") && !may_use("detect", "report") && !may_use("model", "rules"));
}

/// The files of the command line that may use what opens connections.
const ONLINE: &[&str] = &[
    "src/cli/args/online.rs",
    "src/cli/keys.rs",
    "src/cli/online.rs",
    "src/cli/proxy.rs",
    "src/cli/revoke/",
    "src/cli/verify/",
];

/// Scanning commands cannot reach the provider: neither its module nor a command that uses it.
#[test]
fn only_the_online_commands_reach_the_provider() {
    for file in sources() {
        let is_online =
            ONLINE.iter().any(|path| file.path.starts_with(path)) || file.top() == Some("provider");
        for piece in [
            "crate::provider",
            "super::online",
            "cli::online",
            "super::verify",
            "cli::verify",
            "super::revoke",
            "super::keys",
            "verify::",
        ] {
            // The command line declares and calls them.
            let declares = ["src/cli/args/mod.rs", "src/cli/mod.rs"].contains(&file.path.as_str());
            assert!(
                is_online || declares || !file.product().contains(piece),
                "{}: `{piece}` reaches what opens connections",
                file.path
            );
        }
    }
    let called = fs::read_to_string(root().join("src/cli/mod.rs")).expect("the commands");
    assert_eq!(called.matches("verify::").count(), 1, "only its own command calls `verify`");
}
