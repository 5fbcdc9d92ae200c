//! Tests `friskey.toml`, environment variables, and their precedence.

use std::fs;

use super::{Scratch, assert_refused, key, notes, open_findings};

#[test]
fn the_configuration_at_the_root_applies_and_the_report_names_it() {
    let scratch = Scratch::new();
    scratch.write("friskey.toml", "exclude = ['vendor/', '/src/gen/*.js']\n");
    for path in ["a.py", "vendor/b.py", "src/gen/c.js", "src/d.py", "lib/src/gen/c.js"] {
        scratch.write(path, &key(1));
    }
    let report = scratch.json(&["scan"]);
    assert_eq!(open_findings(&report), ["a.py:1", "lib/src/gen/c.js:1", "src/d.py:1"]);
    assert_eq!(notes(&report), ["configuration: friskey.toml, which leaves out vendor/, /src/gen/*.js"]);
    let in_src = scratch.json_in("src", &["scan"]);
    assert_eq!(open_findings(&in_src), ["d.py:1"], "globs are relative to the root");
    assert!(notes(&in_src)[0].starts_with("configuration: ../friskey.toml"));
    assert_eq!(open_findings(&scratch.json(&["scan", "--no-config"])).len(), 5);
    assert!(notes(&scratch.json(&["scan", "--no-config"])).is_empty());
    assert!(scratch.run(&["scan", "-v"]).stdout.contains("note: configuration: friskey.toml"));
}

#[test]
fn configurations_above_and_below_the_root_are_ignored() {
    let outer = Scratch::new();
    outer.write("friskey.toml", "nonsense = 1\n");
    outer.write("inner/.git", "gitdir: elsewhere\n");
    outer.write("inner/sub/friskey.toml", "nonsense = 1\n");
    outer.write("inner/sub/a.py", "nothing\n");
    assert_eq!(outer.run_in("inner/sub", &["scan"]).status, 0);
    assert_refused(&outer.run(&["scan"]), "friskey.toml:1: unknown field `nonsense`");
    assert_refused(&outer.run(&["rules", "list"]), "friskey.toml:1: unknown field `nonsense`");
    assert_eq!(outer.run(&["rules", "list", "--no-config"]).status, 0);
}

#[test]
fn the_file_of_the_config_option_replaces_the_one_at_the_root() {
    let scratch = Scratch::new();
    scratch.write("friskey.toml", "nonsense = 1\n");
    scratch.write("ci/other.toml", "rules = ['acme.toml']\nbaseline = 'accepted.toml'\nexclude = ['/ci/']\n");
    scratch.write(
        "ci/acme.toml",
        "[[rule]]\nid = 'acme-key'\nname = 'Acme key'\ndescription = 'A key of Acme'\nseverity = 'high'\n\
         [[rule.variant]]\nkeywords = ['acme-']\npattern = 'acme-[a-z]{8}'\nconfidence = 'high'\n",
    );
    scratch.write("a.txt", "acme-abcdefgh\n");
    assert_refused(
        &scratch.run(&["scan", "--config", "ci/other.toml"]),
        "cannot read the baseline ci/accepted.toml",
    );
    let create = ["baseline", "create", "--reason", "x", "--config", "ci/other.toml"];
    let output = scratch.run(&create);
    assert_eq!(output.status, 0, "{}", output.stderr);
    assert!(scratch.path("ci/accepted.toml").exists(), "relative to the configuration");
    let report = scratch.json(&["scan", "--config", "ci/other.toml"]);
    assert_eq!(report["suppressed"], 1);
    assert_eq!(
        notes(&report),
        ["configuration: ci/other.toml, which leaves out /ci/", "baseline: ci/accepted.toml (1 entry)"]
    );
    let by_variable = [("FRISKEY_CONFIG", "ci/other.toml")];
    assert_eq!(scratch.json_with("", &["scan"], &by_variable)["suppressed"], 1);
    assert_eq!(scratch.run_with("", &["scan", "--no-config"], &by_variable).status, 0);
    assert_refused(
        &scratch.run(&["scan", "--config", "nowhere.toml"]),
        "cannot read the configuration nowhere.toml",
    );
    assert_refused(&scratch.run(&["scan", "--config", "x", "--no-config"]), "cannot be used with");
}

#[test]
fn options_override_variables_and_variables_override_the_file() {
    let scratch = Scratch::new();
    scratch.write("a.txt", "nothing\n");
    let threshold = |args: &[&str], variables: &[(&str, &str)]| {
        let report = scratch.json_with("", &[&["scan"], args].concat(), variables);
        report["min_confidence"].as_str().unwrap().to_owned()
    };
    let variable = [("FRISKEY_MIN_CONFIDENCE", "high")];
    assert_eq!(threshold(&[], &[]), "medium");
    scratch.write("friskey.toml", "min-confidence = 'low'\n");
    assert_eq!(threshold(&[], &[]), "low");
    assert_eq!(threshold(&[], &variable), "high");
    assert_eq!(threshold(&["--min-confidence", "medium"], &variable), "medium");
    assert_eq!(threshold(&[], &[("FRISKEY_MIN_CONFIDENCE", "")]), "low", "an empty variable is ignored");
}

#[test]
fn invalid_variables_are_errors_as_invalid_options_are() {
    let scratch = Scratch::new();
    scratch.write("a.txt", "nothing\n");
    let run = |name, value| scratch.run_with("", &["scan"], &[(name, value)]);
    assert_refused(
        &run("FRISKEY_MIN_CONFIDENCE", "sure"),
        "FRISKEY_MIN_CONFIDENCE: `sure` is not a confidence",
    );
    assert_refused(&run("FRISKEY_THREADS", "many"), "FRISKEY_THREADS: ");
    assert_refused(&run("FRISKEY_THREADS", "100000"), "too many");
    assert_refused(&run("FRISKEY_FORMAT", "xml"), "FRISKEY_FORMAT: unknown format `xml`");
    assert_refused(&run("FRISKEY_BASELINE", "nowhere"), "cannot read the baseline nowhere");
    assert_refused(&run("FRISKEY_CONFIG", "nowhere"), "cannot read the configuration nowhere");
    assert!(run("FRISKEY_FORMAT", "json").stdout.starts_with('{'));
    let output = scratch.run_with("", &["scan", "--format", "human"], &[("FRISKEY_FORMAT", "json")]);
    assert!(output.stdout.starts_with("scanned"), "{}", output.stdout);
}

#[test]
fn no_ignore_and_threads_can_be_configured() {
    let scratch = Scratch::new();
    scratch.write(".gitignore", "hidden.txt\n");
    scratch.write("hidden.txt", &key(1));
    scratch.write("a.txt", "nothing\n");
    assert_eq!(scratch.run(&["scan"]).status, 0);
    scratch.write("friskey.toml", "no-ignore = true\nthreads = 1\n");
    assert_eq!(scratch.run(&["scan"]).status, 1);
}

#[test]
fn special_and_large_configuration_files_are_rejected() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("friskey.toml")).unwrap();
    assert_refused(&scratch.run(&["scan"]), "friskey.toml is a directory, expected a regular file");
    fs::remove_dir(scratch.path("friskey.toml")).unwrap();
    scratch.write("friskey.toml", "rules = ['/dev/zero']\n");
    assert_refused(&scratch.run(&["scan"]), "friskey.toml:1: /dev/zero is a device, expected a regular file");
    scratch.write("friskey.toml", &format!("#{}\n", "x".repeat(1 << 20)));
    assert_refused(&scratch.run(&["scan"]), "larger than 1048576 bytes");
    fs::write(scratch.path("friskey.toml"), b"strict = \xff").unwrap();
    assert_refused(&scratch.run(&["scan"]), "not UTF-8");
}

#[test]
fn an_error_in_the_configuration_shows_neither_keys_nor_control_characters() {
    let scratch = Scratch::new();
    scratch.write("friskey.toml", &format!("\"{}\" = 1\n", key(1)));
    let output = scratch.run(&["scan"]);
    assert_eq!(output.status, 2);
    assert!(!output.stderr.contains(&key(1)[8..30]), "{}", output.stderr);
    scratch.write("friskey.toml", "\"\\u001b[31m\" = 1\n");
    assert!(!scratch.run(&["scan"]).stderr.contains('\u{1b}'));
}

#[test]
fn the_documentation_lists_every_field_and_its_examples_are_valid() {
    let read_doc = |name: &str| {
        fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
    };
    let toml_block =
        |text: &str| text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
    let (configuration, suppression) = (read_doc("configuration.md"), read_doc("suppression.md"));
    let scratch = Scratch::new();
    let example = toml_block(&configuration);
    scratch.write("friskey.toml", &example.replace("rules = [\"ci/acme-rules.toml\"]", "rules = []"));
    scratch.write("ci/accepted-keys.toml", &toml_block(&suppression));
    scratch.write("a.txt", "nothing\n");
    let output = scratch.run(&["scan"]);
    assert_eq!(output.status, 0, "{}", output.stderr);
    assert!(output.stdout.contains("baseline: ci/accepted-keys.toml (2 entries)"), "{}", output.stdout);
    // The error for an unknown field lists the known ones.
    scratch.write("friskey.toml", "wrong = 1\n");
    let message = scratch.run(&["scan"]).stderr;
    let fields: Vec<_> = message.split('`').skip(1).step_by(2).filter(|field| *field != "wrong").collect();
    assert_eq!(fields.len(), 10, "{message}");
    for field in fields {
        assert!(configuration.contains(&format!("\n| `{field}` |")), "`{field}` is missing");
        assert!(example.contains(&format!("{field} = ")), "`{field}` is missing in the example");
    }
    for marker in friskey::suppress::MARKERS {
        assert!(suppression.contains(&format!("`{marker}`")) || suppression.contains(&format!("# {marker}")));
    }
}
