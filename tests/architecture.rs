//! Enforces `docs/architecture.md`: which module may use which, that type names are unique, that each file states its
//! purpose, and that every list of files is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the crate with their layers. A module may use modules of lower layers.
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

/// Pairs of modules of one layer of which the first may use the second.
const SAME_LAYER_USES: &[(&str, &str)] =
    &[("untrusted", "alignment"), ("source", "git"), ("source", "container"), ("container", "git")];

const NO_PROGRAM: &str = "only files in CHILD_PROCESSES may start a program";

/// Features that only some modules may use: text that code with the feature contains, the modules, and why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("process::Command", &[], NO_PROGRAM),
    ("Command::new(", &[], NO_PROGRAM),
    ("std::net", &[], "connections are opened with `ureq`"),
    ("ureq::", &["provider"], "only `provider` opens a connection"),
    ("rustls::", &["provider"], "only `provider` opens a connection"),
    ("gix::", &["git"], "only `git` opens a repository"),
    ("std::env", &["cli"], "only the command line reads the environment"),
    ("clap::", &["cli"], "only the command line parses arguments"),
    ("anyhow", &["cli"], "the other modules define types for errors"),
    ("io::stdout", &["cli"], "the other modules write to what their caller passes"),
    (".into_report(", &["scan"], "only `scan` redacts a draft, because it knows every key that was found"),
    ("Report::of_redacted(", &["model"], "no other module may make a report without redacting a draft"),
];

/// The files that may start a program, and why.
const CHILD_PROCESSES: &[(&str, &str)] = &[(
    "src/cli/revoke/hand_over.rs",
    "`revoke --replace --to` gives a new key to a program that the user names, so that nobody has to copy it",
)];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A source file of the crate.
struct SourceFile {
    /// The path relative to the root of the repository, with `/`.
    path: String,
    /// The text without lines that are comments.
    code: String,
    text: String,
    /// The modules that it belongs to, outermost first; empty for `lib.rs` and `main.rs`.
    module: Vec<String>,
    /// Whether it is compiled for unit tests only.
    is_test_only: bool,
}

impl SourceFile {
    /// The name of the module of the crate that the file belongs to; `None` for `lib.rs` and `main.rs`.
    fn top_module(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// The code without unit tests.
    fn product_code(&self) -> &str {
        if self.is_test_only {
            ""
        } else {
            let before = |attribute: &str| self.code.split(&format!("{attribute}\nmod tests {{")).next();
            // A module of tests may be for one platform only.
            let parts = ["#[cfg(test)]", "#[cfg(all(test, unix))]"].map(before);
            parts.into_iter().flatten().min_by_key(|part| part.len()).unwrap_or_default()
        }
    }
}

fn source_files() -> Vec<SourceFile> {
    let mut paths = Vec::new();
    collect_paths(&root().join("src"), &mut paths);
    paths.sort();
    assert!(paths.len() > 10, "only {} files in src", paths.len());
    let mut files: Vec<SourceFile> = paths.iter().map(|path| read_source_file(path)).collect();
    let test_modules: Vec<Vec<String>> = files
        .iter()
        .filter(|file| {
            let is_declared =
                |line: &str| is_in_parent(&files, file, |name| format!("#[cfg(test)]\n{line} {name};"));
            is_declared("mod") || is_declared("pub(crate) mod")
        })
        .map(|file| file.module.clone())
        .collect();
    for file in &mut files {
        // The files within a module for tests are for tests, too.
        file.is_test_only = test_modules.iter().any(|module| file.module.starts_with(module));
    }
    files
}

/// Whether the parent module of `file` contains the `declaration` of the file's name.
fn is_in_parent(files: &[SourceFile], file: &SourceFile, declaration: impl Fn(&str) -> String) -> bool {
    let Some((name, parent)) = file.module.split_last() else { return false };
    let mut parents = files.iter().filter(|other| other.module == parent && other.path != file.path);
    parents.any(|other| other.code.contains(&declaration(name)))
}

fn collect_paths(dir: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            collect_paths(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn read_source_file(path: &Path) -> SourceFile {
    let text = fs::read_to_string(path).expect("a source file can be read");
    let relative = path.strip_prefix(root().join("src")).expect("it is under src").with_extension("");
    let mut module: Vec<String> =
        relative.iter().map(|part| part.to_str().expect("an ASCII name").to_owned()).collect();
    if ["mod", "lib", "main"].contains(&module.last().map_or("", String::as_str)) {
        module.pop();
    }
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let code = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    SourceFile {
        path: format!("src/{}.rs", relative.display()).replace('\\', "/"),
        code,
        text,
        module,
        is_test_only: false,
    }
}

/// The names of modules after `crate::` in `code`, in `use` declarations and in expressions.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let is_whole_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_whole_word {
            add_first_names(code[at + path.len()..].trim_start(), &mut names);
        }
    }
    names
}

/// Adds the first name of the path at the start of `code`, or of each path in the braces there.
fn add_first_names(code: &str, names: &mut BTreeSet<String>) {
    let name =
        |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().map(str::to_owned);
    let Some(group) = code.strip_prefix('{') else {
        names.extend(name(code));
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
    from == to || SAME_LAYER_USES.contains(&(from, to)) || layer(from) > layer(to)
}

#[test]
fn modules_use_only_lower_layers() {
    let mut wrong = Vec::new();
    for file in source_files() {
        let Some(from) = file.top_module() else { continue };
        assert!(
            layer(from).is_some(),
            "{}: give `{from}` a layer here and in docs/architecture.md",
            file.path
        );
        for to in used_modules(&file.code) {
            if layer(&to).is_none() {
                wrong.push(format!("{}: `crate::{to}` has no layer", file.path));
            } else if !may_use(from, &to) {
                wrong.push(format!("{}: `{from}` must not use `{to}`", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `modules_use_only_lower_layers` sees only paths that begin with `crate`.
#[test]
fn paths_between_modules_begin_with_crate() {
    for file in source_files() {
        let path_to_root = "super::".repeat(file.module.len());
        let is_used = !path_to_root.is_empty() && file.product_code().contains(&path_to_root);
        assert!(!is_used, "{}: write `crate::…` instead of `{path_to_root}…`", file.path);
    }
}

#[test]
fn reserved_features_stay_in_their_modules() {
    let mut wrong = Vec::new();
    for file in source_files() {
        for (feature, modules, reason) in RESERVED {
            let may_start_program = CHILD_PROCESSES.iter().any(|(path, _)| *path == file.path);
            if may_start_program && *reason == NO_PROGRAM {
                continue;
            }
            let is_allowed =
                file.top_module().is_none_or(|top| modules.contains(&top)) && file.path != "src/lib.rs";
            if !is_allowed && file.product_code().contains(feature) {
                wrong.push(format!("{}: `{feature}`, but {reason}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_starts_with_a_comment_on_its_purpose() {
    for file in source_files() {
        assert!(file.text.starts_with("//! "), "{}: begin with a `//!` line", file.path);
    }
}

/// The compiler silently ignores files that no `mod` declares.
#[test]
fn every_file_is_a_module_of_its_parent() {
    let files = source_files();
    for file in files.iter().filter(|file| !file.module.is_empty()) {
        let is_declared = is_in_parent(&files, file, |name| format!("mod {name};"));
        assert!(is_declared, "{}: its parent module does not declare it", file.path);
    }
}

/// The number of types in `dir` that implement `interface`. Asserts that `ALL` in `mod.rs` there contains each.
fn count_implementations_in_list(dir: &str, interface: &str) -> usize {
    let files = source_files();
    let mod_rs = format!("{dir}mod.rs");
    let list = files.iter().find(|file| file.path == mod_rs).expect("the directory has a mod.rs");
    let mut count = 0;
    for file in files.iter().filter(|file| file.path.starts_with(dir)) {
        for rest in file.product_code().split(&format!("impl {interface} for ")).skip(1) {
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
    let checks = count_implementations_in_list("src/detect/checks/", "Check");
    assert_eq!(checks, friskey::rules::CHECK_NAMES.len());
    assert!(count_implementations_in_list("src/detect/encoding/", "Encoding") > 0);
}

/// Every module of `report` with a function `write` is a format.
#[test]
fn every_format_is_in_the_list() {
    let files = source_files();
    let list = files.iter().find(|file| file.path == "src/report/mod.rs").expect("the list of formats");
    let mut formats = 0;
    for file in files.iter().filter(|file| file.top_module() == Some("report") && file.module.len() == 2) {
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
    let list = fs::read_to_string(root().join("src/rules/mod.rs")).expect("src/rules/mod.rs can be read");
    for entry in fs::read_dir(root().join("rules")).expect("rules can be read") {
        let name = entry.expect("rules can be read").file_name().into_string().expect("an ASCII name");
        assert!(
            list.contains(&format!("include_str!(\"../../rules/{name}\")")),
            "rules/{name} is not built in"
        );
    }
}

/// The type names that several modules may define, and why. All others must be unique.
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
    for file in source_files() {
        for name in file.product_code().lines().filter_map(defined_type) {
            modules.entry(name.to_owned()).or_default().insert(file.path.clone());
        }
    }
    modules.retain(|_, files| files.len() > 1);
    let is_allowed = |name: &str| SHARED_TYPE_NAMES.iter().any(|(shared, _)| *shared == name);
    let new: Vec<_> = modules.iter().filter(|(name, _)| !is_allowed(name)).collect();
    assert!(new.is_empty(), "rename all but one, or say in SHARED_TYPE_NAMES why not: {new:#?}");
    let stale: Vec<_> = SHARED_TYPE_NAMES.iter().filter(|(name, _)| !modules.contains_key(*name)).collect();
    assert!(
        stale.is_empty(),
        "these are defined only once, so remove them from SHARED_TYPE_NAMES: {stale:?}"
    );
}

#[test]
fn defined_type_recognizes_definitions() {
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
fn used_modules_finds_paths_in_declarations_and_expressions() {
    let code = "use crate::{model::{A, B}, rules::C,\n  scan};\nfn f() { crate::cli::run(); my_crate::x(); }";
    let names: Vec<_> = used_modules(code).into_iter().collect();
    assert_eq!(names, ["cli", "model", "rules", "scan"]);
}

#[test]
fn may_use_allows_lower_layers_and_pairs_within_a_layer() {
    assert!(may_use("scan", "detect") && may_use("source", "git") && may_use("cli", "model"));
    assert!(!may_use("git", "source") && !may_use("detect", "report") && !may_use("model", "rules"));
}

/// The files of the command line that may use code that opens connections.
const ONLINE: &[&str] = &[
    "src/cli/args/online.rs",
    "src/cli/keys.rs",
    "src/cli/online.rs",
    "src/cli/proxy.rs",
    "src/cli/revoke/",
    "src/cli/verify/",
];

/// No other command can use the provider's module, nor a command that does.
#[test]
fn only_the_online_commands_reach_the_provider() {
    for file in source_files() {
        let is_online =
            ONLINE.iter().any(|path| file.path.starts_with(path)) || file.top_module() == Some("provider");
        for path in [
            "crate::provider",
            "super::online",
            "cli::online",
            "super::verify",
            "cli::verify",
            "super::revoke",
            "super::keys",
            "verify::",
        ] {
            // These declare and call all commands.
            let is_dispatcher = ["src/cli/args/mod.rs", "src/cli/mod.rs"].contains(&file.path.as_str());
            assert!(
                is_online || is_dispatcher || !file.product_code().contains(path),
                "{}: `{path}` is a way to code that opens connections",
                file.path
            );
        }
    }
    let dispatcher = fs::read_to_string(root().join("src/cli/mod.rs")).expect("src/cli/mod.rs can be read");
    assert_eq!(dispatcher.matches("verify::").count(), 1, "another command than `verify` calls its code");
}
