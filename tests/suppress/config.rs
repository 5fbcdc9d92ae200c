//! `friskey.toml`, environment variables, and their precedence.

use std::fs;

use super::{Place, assert_refused, key, notes, open};

#[test]
fn configuration_is_found_at_the_root_and_named_in_the_report() {
    let place = Place::new();
    place.write("friskey.toml", "exclude = ['vendor/', '/src/gen/*.js']\n");
    for path in ["a.py", "vendor/b.py", "src/gen/c.js", "src/d.py", "lib/src/gen/c.js"] {
        place.write(path, &key(1));
    }
    let report = place.json(&["scan"]);
    assert_eq!(open(&report), ["a.py:1", "lib/src/gen/c.js:1", "src/d.py:1"]);
    assert_eq!(notes(&report), ["configuration: friskey.toml, which leaves out vendor/, /src/gen/*.js"]);
    let below = place.json_in("src", &["scan"], &[]);
    assert_eq!(open(&below), ["d.py:1"], "globs are about the root");
    assert!(notes(&below)[0].starts_with("configuration: ../friskey.toml"));
    assert_eq!(open(&place.json(&["scan", "--no-config"])).len(), 5);
    assert!(notes(&place.json(&["scan", "--no-config"])).is_empty());
    assert!(place.run(&["scan", "-v"]).out.contains("note: configuration: friskey.toml"));
}

#[test]
fn configuration_is_not_searched_above_or_below_the_root() {
    let outer = Place::new();
    outer.write("friskey.toml", "nonsense = 1\n");
    outer.write("inner/.git", "gitdir: elsewhere\n");
    outer.write("inner/sub/friskey.toml", "nonsense = 1\n");
    outer.write("inner/sub/a.py", "nothing\n");
    assert_eq!(outer.run_in("inner/sub", &["scan"], &[]).status, 0);
    assert_refused(&outer.run(&["scan"]), "friskey.toml:1: unknown field `nonsense`");
    assert_refused(&outer.run(&["rules", "list"]), "friskey.toml:1: unknown field `nonsense`");
    assert_eq!(outer.run(&["rules", "list", "--no-config"]).status, 0);
}

#[test]
fn a_named_file_is_used_instead() {
    let place = Place::new();
    place.write("friskey.toml", "nonsense = 1\n");
    place.write("ci/other.toml", "rules = ['acme.toml']\nbaseline = 'accepted.toml'\nexclude = ['/ci/']\n");
    place.write(
        "ci/acme.toml",
        "[[rule]]\nid = 'acme-key'\nname = 'Acme key'\ndescription = 'A key of Acme'\nseverity = 'high'\n\
         [[rule.variant]]\nkeywords = ['acme-']\npattern = 'acme-[a-z]{8}'\nconfidence = 'high'\n",
    );
    place.write("a.txt", "acme-abcdefgh\n");
    assert_refused(
        &place.run(&["scan", "--config", "ci/other.toml"]),
        "cannot read the baseline ci/accepted.toml",
    );
    let create = ["baseline", "create", "--reason", "x", "--config", "ci/other.toml"];
    let said = place.run(&create);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(place.path("ci/accepted.toml").exists(), "relative to the configuration");
    let report = place.json(&["scan", "--config", "ci/other.toml"]);
    assert_eq!(report["suppressed"], 1);
    assert_eq!(
        notes(&report),
        ["configuration: ci/other.toml, which leaves out /ci/", "baseline: ci/accepted.toml (1 entry)"]
    );
    let by_variable = [("FRISKEY_CONFIG", "ci/other.toml")];
    assert_eq!(place.json_in("", &["scan"], &by_variable)["suppressed"], 1);
    assert_eq!(place.run_in("", &["scan", "--no-config"], &by_variable).status, 0);
    assert_refused(
        &place.run(&["scan", "--config", "nowhere.toml"]),
        "cannot read the configuration nowhere.toml",
    );
    assert_refused(&place.run(&["scan", "--config", "x", "--no-config"]), "cannot be used with");
}

#[test]
fn options_override_variables_and_variables_override_the_file() {
    let place = Place::new();
    place.write("a.txt", "nothing\n");
    let threshold = |args: &[&str], variables: &[(&str, &str)]| {
        let report = place.json_in("", &[&["scan"], args].concat(), variables);
        report["min_confidence"].as_str().unwrap().to_owned()
    };
    let variable = [("FRISKEY_MIN_CONFIDENCE", "high")];
    assert_eq!(threshold(&[], &[]), "medium");
    place.write("friskey.toml", "min-confidence = 'low'\n");
    assert_eq!(threshold(&[], &[]), "low");
    assert_eq!(threshold(&[], &variable), "high");
    assert_eq!(threshold(&["--min-confidence", "medium"], &variable), "medium");
    assert_eq!(threshold(&[], &[("FRISKEY_MIN_CONFIDENCE", "")]), "low", "empty is as good as none");
}

#[test]
fn variables_are_checked_like_options() {
    let place = Place::new();
    place.write("a.txt", "nothing\n");
    let run = |name, value| place.run_in("", &["scan"], &[(name, value)]);
    assert_refused(
        &run("FRISKEY_MIN_CONFIDENCE", "sure"),
        "FRISKEY_MIN_CONFIDENCE: `sure` is not a confidence",
    );
    assert_refused(&run("FRISKEY_THREADS", "many"), "FRISKEY_THREADS: ");
    assert_refused(&run("FRISKEY_THREADS", "100000"), "too many");
    assert_refused(&run("FRISKEY_FORMAT", "xml"), "FRISKEY_FORMAT: unknown format `xml`");
    assert_refused(&run("FRISKEY_BASELINE", "nowhere"), "cannot read the baseline nowhere");
    assert_refused(&run("FRISKEY_CONFIG", "nowhere"), "cannot read the configuration nowhere");
    assert!(run("FRISKEY_FORMAT", "json").out.starts_with('{'));
    let said = place.run_in("", &["scan", "--format", "human"], &[("FRISKEY_FORMAT", "json")]);
    assert!(said.out.starts_with("scanned"), "{}", said.out);
}

#[test]
fn no_ignore_and_threads_come_from_the_file_too() {
    let place = Place::new();
    place.write(".gitignore", "hidden.txt\n");
    place.write("hidden.txt", &key(1));
    place.write("a.txt", "nothing\n");
    assert_eq!(place.run(&["scan"]).status, 0);
    place.write("friskey.toml", "no-ignore = true\nthreads = 1\n");
    assert_eq!(place.run(&["scan"]).status, 1);
}

#[test]
fn special_and_large_files_are_rejected_unread() {
    let place = Place::new();
    fs::create_dir(place.path("friskey.toml")).unwrap();
    assert_refused(&place.run(&["scan"]), "friskey.toml is a directory, expected a regular file");
    fs::remove_dir(place.path("friskey.toml")).unwrap();
    place.write("friskey.toml", "rules = ['/dev/zero']\n");
    assert_refused(&place.run(&["scan"]), "friskey.toml:1: /dev/zero is a device, expected a regular file");
    place.write("friskey.toml", &format!("#{}\n", "x".repeat(1 << 20)));
    assert_refused(&place.run(&["scan"]), "larger than 1048576 bytes");
    fs::write(place.path("friskey.toml"), b"strict = \xff").unwrap();
    assert_refused(&place.run(&["scan"]), "not UTF-8");
}

#[test]
fn an_error_shows_neither_key_nor_control_characters() {
    let place = Place::new();
    place.write("friskey.toml", &format!("\"{}\" = 1\n", key(1)));
    let said = place.run(&["scan"]);
    assert_eq!(said.status, 2);
    assert!(!said.err.contains(&key(1)[8..30]), "{}", said.err);
    place.write("friskey.toml", "\"\\u001b[31m\" = 1\n");
    assert!(!place.run(&["scan"]).err.contains('\u{1b}'));
}

#[test]
fn the_documents_list_every_field() {
    let read = |name: &str| {
        fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
    };
    let block = |text: &str| text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
    let (configuration, suppression) = (read("configuration.md"), read("suppression.md"));
    let place = Place::new();
    let example = block(&configuration);
    place.write("friskey.toml", &example.replace("rules = [\"ci/acme-rules.toml\"]", "rules = []"));
    place.write("ci/accepted-keys.toml", &block(&suppression));
    place.write("a.txt", "nothing\n");
    let said = place.run(&["scan"]);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(said.out.contains("baseline: ci/accepted-keys.toml (2 entries)"), "{}", said.out);
    // The error for an unknown field lists the known ones.
    place.write("friskey.toml", "wrong = 1\n");
    let message = place.run(&["scan"]).err;
    let known: Vec<_> = message.split('`').skip(1).step_by(2).filter(|key| *key != "wrong").collect();
    assert_eq!(known.len(), 10, "{message}");
    for key in known {
        assert!(configuration.contains(&format!("\n| `{key}` |")), "`{key}` is missing");
        assert!(example.contains(&format!("{key} = ")), "`{key}` is missing in the example");
    }
    for marker in friskey::suppress::MARKERS {
        assert!(suppression.contains(&format!("`{marker}`")) || suppression.contains(&format!("# {marker}")));
    }
}
