//! Checks that files of `cli`, `container` and `detect` do not use each other in a circle, except that a file may use what
//! its parent modules define.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The modules that must not contain circles. `docs/architecture.md` lists the circles in others.
const CHECKED_MODULES: &[&str] = &["cli", "container", "detect"];

/// The components of a path, without `crate`.
type ModulePath = Vec<String>;

/// What a file of the crate uses.
#[derive(Default)]
struct Module {
    /// The path of each import, by the name that it has in the file.
    imports: BTreeMap<String, ModulePath>,
    /// The names of imports with `pub`, which the file exports rather than uses.
    reexports: BTreeSet<String>,
    /// The paths in its code, outside of imports.
    paths: Vec<ModulePath>,
}

type Modules = BTreeMap<ModulePath, Module>;

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

fn module_path(file: &Path, root: &Path) -> ModulePath {
    let relative = file.strip_prefix(root).expect("it is under src").with_extension("");
    let mut parts: ModulePath =
        relative.iter().map(|part| part.to_str().expect("an ASCII name").to_owned()).collect();
    parts.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    parts
}

/// The text of `file` without comments and unit tests.
fn read_code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file can be read");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let tests = Regex::new(r"#\[cfg\((all\()?test[^\]]*\]\nmod tests \{").expect("a valid pattern");
    tests.split(&code).next().unwrap_or_default().to_owned()
}

/// Adds to `imports` each path in the tree of a `use` declaration, after the name that it gets.
fn parse_use_tree(tree: &str, prefix: &str, imports: &mut Vec<(String, String)>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path = format!("{prefix}{path}");
        let path = path.strip_suffix("::self").unwrap_or(&path).to_owned();
        let last = path.rsplit("::").next().unwrap_or_default().to_owned();
        imports.push((if name.is_empty() { last } else { name.to_owned() }, path));
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
                    parse_use_tree(part, &format!("{prefix}{head}"), imports);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The absolute form of `path`, which code of `module` contains; `None` if it is in another crate.
fn absolute_path(path: &str, module: &[String], modules: &BTreeSet<ModulePath>) -> Option<ModulePath> {
    let mut absolute = module.to_vec();
    let mut parts = path.split("::").map(str::trim).peekable();
    match *parts.peek()? {
        "crate" => {
            parts.next();
            absolute.clear();
        }
        "self" => {
            parts.next();
        }
        "super" => {
            while parts.next_if_eq(&"super").is_some() {
                absolute.pop();
            }
        }
        first => {
            absolute.push(first.to_owned());
            let is_child = modules.contains(&absolute);
            absolute.pop();
            if !is_child {
                return None;
            }
        }
    }
    absolute.extend(parts.map(str::to_owned));
    Some(absolute)
}

fn read_modules() -> Modules {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect_paths(&root, &mut files);
    files.retain(|file| !file.ends_with("main.rs"));
    let known: BTreeSet<ModulePath> = files.iter().map(|file| module_path(file, &root)).collect();
    let use_declarations = Regex::new(r"(pub(?:\([^)]*\))? )?(?-u:\b)use ([^;]+);").expect("a valid pattern");
    let visibility = Regex::new(r"pub\(in [^)]*\)").expect("a valid pattern");
    let paths = Regex::new(r"(?-u:\b[a-z_]\w*(?:::\w+)+)").expect("a valid pattern");
    let mut modules = Modules::new();
    for file in &files {
        let path = module_path(file, &root);
        // Otherwise the path in `pub(in …)` would count as a use.
        let code = visibility.replace_all(&read_code(file), "pub(super)").into_owned();
        let mut module = Module::default();
        for declaration in use_declarations.captures_iter(&code) {
            let mut imports = Vec::new();
            let tree = declaration[2].split_whitespace().collect::<Vec<_>>().join(" ");
            parse_use_tree(&tree, "", &mut imports);
            for (name, target) in imports {
                let Some(target) = absolute_path(&target, &path, &known) else { continue };
                if declaration.get(1).is_some() {
                    module.reexports.insert(name.clone());
                }
                module.imports.insert(name, target);
            }
        }
        for path_in_code in paths.find_iter(&use_declarations.replace_all(&code, "")) {
            let (first, rest) = path_in_code.as_str().split_once("::").expect("two components");
            let path = match module.imports.get(first) {
                Some(target) => {
                    Some(target.iter().cloned().chain(rest.split("::").map(str::to_owned)).collect())
                }
                None => absolute_path(path_in_code.as_str(), &path, &known),
            };
            module.paths.extend(path);
        }
        modules.insert(path, module);
    }
    modules
}

/// The most re-exports between a use and a definition.
const MAX_REEXPORTS: usize = 8;

/// The file that defines the item at `path`, which other files may re-export. `depth` counts the re-exports until here.
fn defining_file(path: &[String], modules: &Modules, depth: usize) -> Option<ModulePath> {
    let length = (0..=path.len()).rev().find(|&length| modules.contains_key(&path[..length]))?;
    let module = &modules[&path[..length]];
    match path.get(length).and_then(|name| module.imports.get(name)) {
        Some(target) if depth < MAX_REEXPORTS && target != path => {
            let target: ModulePath = target.iter().chain(&path[length + 1..]).cloned().collect();
            defining_file(&target, modules, depth + 1)
        }
        _ => Some(path[..length].to_vec()),
    }
}

/// The files that each file uses, apart from its parent modules.
fn dependencies(modules: &Modules) -> BTreeMap<&ModulePath, BTreeSet<ModulePath>> {
    let used = |(path, module): (&ModulePath, &Module)| -> BTreeSet<ModulePath> {
        let imports = module.imports.iter().filter(|(name, _)| !module.reexports.contains(*name));
        let items = imports.map(|(_, target)| target).filter(|target| !modules.contains_key(*target));
        let files = items.chain(&module.paths).filter_map(|target| defining_file(target, modules, 0));
        files.filter(|other| !path.starts_with(other)).collect()
    };
    modules.iter().map(|(path, module)| (path, used((path, module)))).collect()
}

/// The files that `from` uses directly or through others.
fn reachable<'m>(
    from: &ModulePath,
    dependencies: &'m BTreeMap<&ModulePath, BTreeSet<ModulePath>>,
) -> BTreeSet<&'m ModulePath> {
    let mut reachable = BTreeSet::new();
    let mut pending: Vec<&ModulePath> = dependencies[from].iter().collect();
    while let Some(file) = pending.pop() {
        if reachable.insert(file) {
            pending.extend(&dependencies[file]);
        }
    }
    reachable
}

#[test]
fn files_do_not_use_each_other_in_a_circle() {
    let modules = read_modules();
    let dependencies = dependencies(&modules);
    let is_checked =
        |path: &ModulePath| path.first().is_some_and(|top| CHECKED_MODULES.contains(&top.as_str()));
    assert!(modules.keys().filter(|path| is_checked(path)).count() > 100, "too few files");
    let circular: Vec<String> = modules
        .keys()
        .filter(|path| is_checked(path) && reachable(path, &dependencies).contains(path))
        .map(|path| path.join("::"))
        .collect();
    assert!(circular.is_empty(), "these files use each other in a circle:\n{}", circular.join("\n"));
}

#[test]
fn parse_use_tree_finds_every_import_and_its_name() {
    let mut imports = Vec::new();
    parse_use_tree("super::{a::{B, self}, c as d}", "", &mut imports);
    let imports: Vec<_> = imports.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    assert_eq!(imports, [("B", "super::a::B"), ("a", "super::a"), ("d", "super::c")]);
}

#[test]
fn absolute_path_resolves_super_and_child_modules() {
    let path = |text: &str| -> ModulePath { text.split("::").map(str::to_owned).collect() };
    let known = [path("x::y"), path("x::z")].into();
    assert_eq!(absolute_path("super::z::T", &path("x::y"), &known), Some(path("x::z::T")));
    assert_eq!(absolute_path("z::T", &path("x"), &known), Some(path("x::z::T")));
    assert_eq!(absolute_path("std::fs", &path("x"), &known), None);
}
