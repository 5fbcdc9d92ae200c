//! Checks that files of `cli`, `container` and `detect` do not use each other in a circle. A module and the files in
//! it are one unit: those files may use what their parent defines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The modules in which no circle may be; `docs/architecture.md` names those elsewhere.
const TREES: &[&str] = &["cli", "container", "detect"];

/// The components of a path, without `crate`.
type ModulePath = Vec<String>;

/// A file of the crate.
#[derive(Default)]
struct Module {
    /// What it imports, by the name that it gives it.
    imports: BTreeMap<String, ModulePath>,
    /// Imports that it only exports again.
    reexports: BTreeSet<String>,
    /// The paths in its code.
    paths: Vec<ModulePath>,
}

type Modules = BTreeMap<ModulePath, Module>;

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn module_path(file: &Path, root: &Path) -> ModulePath {
    let relative = file.strip_prefix(root).expect("it is under src").with_extension("");
    let mut parts: ModulePath =
        relative.iter().map(|part| part.to_str().expect("an ASCII name").to_owned()).collect();
    parts.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    parts
}

/// The code without comments and unit tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file can be read");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let tests = Regex::new(r"#\[cfg\((all\()?test[^\]]*\]\nmod tests \{").expect("a valid pattern");
    tests.split(&code).next().unwrap_or_default().to_owned()
}

/// The paths in the tree of a `use` declaration, each with the name that it gets.
fn use_tree(tree: &str, prefix: &str, into: &mut Vec<(String, String)>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path = format!("{prefix}{path}");
        let path = path.strip_suffix("::self").unwrap_or(&path).to_owned();
        let last = path.rsplit("::").next().unwrap_or_default().to_owned();
        into.push((if name.is_empty() { last } else { name.to_owned() }, path));
        return;
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = &group[start..at];
                if !part.trim().is_empty() {
                    use_tree(part, &format!("{prefix}{head}"), into);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The absolute form of `path` in `module`; `None` if it leads out of the crate.
fn absolute(path: &str, module: &[String], modules: &BTreeSet<ModulePath>) -> Option<ModulePath> {
    let mut base = module.to_vec();
    let mut parts = path.split("::").map(str::trim).peekable();
    match *parts.peek()? {
        "crate" => {
            parts.next();
            base.clear();
        }
        "self" => {
            parts.next();
        }
        "super" => {
            while parts.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        first => {
            base.push(first.to_owned());
            let is_child = modules.contains(&base);
            base.pop();
            is_child.then_some(())?;
        }
    }
    base.extend(parts.map(str::to_owned));
    Some(base)
}

fn read_modules() -> Modules {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.retain(|file| !file.ends_with("main.rs"));
    let known: BTreeSet<ModulePath> = files.iter().map(|file| module_path(file, &root)).collect();
    let uses = Regex::new(r"(pub(?:\([^)]*\))? )?(?-u:\b)use ([^;]+);").expect("a valid pattern");
    let visibility = Regex::new(r"pub\(in [^)]*\)").expect("a valid pattern");
    let paths = Regex::new(r"(?-u:\b[a-z_]\w*(?:::\w+)+)").expect("a valid pattern");
    let mut modules = Modules::new();
    for file in &files {
        let path = module_path(file, &root);
        let code = visibility.replace_all(&code(file), "pub(super)").into_owned();
        let mut module = Module::default();
        for found in uses.captures_iter(&code) {
            let mut tree = Vec::new();
            use_tree(&found[2].split_whitespace().collect::<Vec<_>>().join(" "), "", &mut tree);
            for (name, target) in tree {
                let Some(target) = absolute(&target, &path, &known) else { continue };
                if found.get(1).is_some() {
                    module.reexports.insert(name.clone());
                }
                module.imports.insert(name, target);
            }
        }
        for found in paths.find_iter(&uses.replace_all(&code, "")) {
            let (first, rest) = found.as_str().split_once("::").expect("two components");
            let path = match module.imports.get(first) {
                Some(target) => {
                    Some(target.iter().cloned().chain(rest.split("::").map(str::to_owned)).collect())
                }
                None => absolute(found.as_str(), &path, &known),
            };
            module.paths.extend(path);
        }
        modules.insert(path, module);
    }
    modules
}

/// The file that defines what `path` names, through exports of other files.
fn definer(path: &[String], modules: &Modules, depth: usize) -> Option<ModulePath> {
    let length = (0..=path.len()).rev().find(|&length| modules.contains_key(&path[..length]))?;
    let module = &modules[&path[..length]];
    match path.get(length).and_then(|name| module.imports.get(name)) {
        Some(target) if depth < 8 && target != path => {
            let further: ModulePath = target.iter().chain(&path[length + 1..]).cloned().collect();
            definer(&further, modules, depth + 1)
        }
        _ => Some(path[..length].to_vec()),
    }
}

/// The files that each file uses, except that a file may use its parents.
fn dependencies(modules: &Modules) -> BTreeMap<&ModulePath, BTreeSet<ModulePath>> {
    let used = |(path, module): (&ModulePath, &Module)| -> BTreeSet<ModulePath> {
        let imports = module.imports.iter().filter(|(name, _)| !module.reexports.contains(*name));
        let items = imports.map(|(_, target)| target).filter(|target| !modules.contains_key(*target));
        let all = items.chain(&module.paths).filter_map(|target| definer(target, modules, 0));
        all.filter(|other| !path.starts_with(other)).collect()
    };
    modules.iter().map(|(path, module)| (path, used((path, module)))).collect()
}

/// The files that `from` uses directly or through others.
fn reachable<'m>(
    from: &ModulePath,
    dependencies: &'m BTreeMap<&ModulePath, BTreeSet<ModulePath>>,
) -> BTreeSet<&'m ModulePath> {
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<&ModulePath> = dependencies[from].iter().collect();
    while let Some(next) = waiting.pop() {
        if seen.insert(next) {
            waiting.extend(&dependencies[next]);
        }
    }
    seen
}

#[test]
fn files_do_not_use_each_other_in_a_circle() {
    let modules = read_modules();
    let dependencies = dependencies(&modules);
    let is_checked = |path: &ModulePath| path.first().is_some_and(|top| TREES.contains(&top.as_str()));
    assert!(modules.keys().filter(|path| is_checked(path)).count() > 100, "the files are read");
    let circular: Vec<String> = modules
        .keys()
        .filter(|path| is_checked(path) && reachable(path, &dependencies).contains(path))
        .map(|path| path.join("::"))
        .collect();
    assert!(circular.is_empty(), "these files use each other in a circle:\n{}", circular.join("\n"));
}

#[test]
fn imports_and_paths_are_understood() {
    let mut tree = Vec::new();
    use_tree("super::{a::{B, self}, c as d}", "", &mut tree);
    let tree: Vec<_> = tree.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    assert_eq!(tree, [("B", "super::a::B"), ("a", "super::a"), ("d", "super::c")]);
    let path = |text: &str| -> ModulePath { text.split("::").map(str::to_owned).collect() };
    let known = [path("x::y"), path("x::z")].into();
    assert_eq!(absolute("super::z::T", &path("x::y"), &known), Some(path("x::z::T")));
    assert_eq!(absolute("z::T", &path("x"), &known), Some(path("x::z::T")));
    assert_eq!(absolute("std::fs", &path("x"), &known), None);
}
