//! Tests the GitHub Action: runs its script as a runner does, and compares its behavior with its description.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Scratch, key, run, sarif_report};

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// A rule as a user writes one.
const OWN_RULE: &str = r#"
[[rule]]
id = "widget-key"
name = "Widget key"
kind = "widget"
severity = "high"
description = "A key of widgets."
examples = ["«widget_{hex:16}»"]
counter_examples = ["widget"]
keywords = ["widget_"]
pattern = '(?<prefix>widget_)[0-9a-f]{16}'
confidence = "high"
"#;

/// A workspace, and the directory of the runner.
fn runner() -> Scratch {
    let scratch = Scratch::new();
    scratch.repository("ws");
    for dir in ["temp", "bin"] {
        fs::create_dir_all(scratch.path(dir)).unwrap();
    }
    fs::copy(env!("CARGO_BIN_EXE_friskey"), scratch.path("bin/friskey")).unwrap();
    scratch
}

/// Runs a step of the action; gives its output, and the step's outputs.
fn step(scratch: &Scratch, name: &str, variables: &[(&str, &str)]) -> (Output, String) {
    let outputs = scratch.write("outputs", "");
    let mut command = scratch.command("bash", "ws");
    let action = Path::new(env!("CARGO_MANIFEST_DIR"));
    command
        .arg(action.join("scripts/action.sh"))
        .arg(name)
        .env("GITHUB_ACTION_PATH", action)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &outputs)
        .env("RUNNER_TEMP", scratch.path("temp"))
        .env("GITHUB_STEP_SUMMARY", scratch.path("summary.md"))
        .env("RUNNER_OS", "Linux")
        .env("RUNNER_ARCH", "X64")
        .env("FRISKEY_BIN", scratch.path("bin"))
        .envs(variables.iter().copied());
    let output = run(&mut command, b"");
    (output, fs::read_to_string(outputs).unwrap())
}

fn scan(
    scratch: &Scratch,
    event: &str,
    payload: &Value,
    variables: &[(&str, &str)],
) -> (i32, String, String) {
    let path = scratch.write("event.json", payload.to_string());
    let event = [("GITHUB_EVENT_NAME", event), ("GITHUB_EVENT_PATH", path.to_str().unwrap())];
    let (output, outputs) = step(scratch, "scan", &[&event[..], variables].concat());
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), outputs, String::from_utf8_lossy(&said).into_owned())
}

/// Where the report is that could be uploaded.
fn sarif_of(outputs: &str) -> String {
    outputs.lines().find_map(|line| line.strip_prefix("sarif=")).unwrap().to_owned()
}

fn has(outputs: &str, line: &str) -> bool {
    outputs.lines().any(|known| known == line)
}

#[test]
fn every_input_and_output_is_used() {
    let action = read("action.yml");
    let script = read("scripts/action.sh");
    let section = |name: &str| -> Vec<String> {
        let from = action.split_once(&format!("\n{name}:\n")).unwrap().1;
        let lines = from.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
        let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        names.map(|line| line.trim().trim_end_matches(':').to_owned()).collect()
    };
    let inputs = section("inputs");
    assert_eq!(inputs.len(), 15);
    for input in inputs {
        assert!(action.contains(&format!("inputs.{input} ")), "{input} is not used");
        let variable = format!("INPUT_{}", input.to_uppercase().replace('-', "_"));
        let is_passed = action.contains(&format!("{variable}: "));
        assert!(is_passed && script.contains(&format!("${{{variable}:-")), "{variable}");
    }
    for output in section("outputs") {
        assert!(action.contains(&format!("steps.scan.outputs.{output} ")), "{output}");
        let is_set = script.contains(&format!("output {output} ")) || script.contains(&format!("{output}=%"));
        assert!(is_set, "{output} is not set");
    }
    for line in action.lines().filter(|line| line.trim_start().starts_with("run:")) {
        assert!(!line.contains("${{"), "text from outside in a shell line: {line}");
    }
    for line in action.lines().filter(|line| line.trim_start().starts_with("uses:")) {
        let id = line.split_once('@').unwrap().1.split(' ').next().unwrap();
        assert!(id.len() == 40 && line.contains(" # v"), "{line}");
    }
}

#[test]
fn a_push_is_scanned_once_and_counted() {
    let scratch = runner();
    let before = scratch.git("ws", &["rev-parse", "HEAD"]);
    scratch.write("ws/a", format!("{}\n{}\n", key(1), key(2)));
    scratch.write("ws/b", key(1));
    let after = scratch.commit("ws", "leak");
    let payload = json!({"before": before, "after": after, "ref": "refs/heads/main"});
    let (status, outputs, said) = scan(&scratch, "push", &payload, &[]);
    assert_eq!(status, 1, "{said}");
    for line in ["exit-code=1", "findings=3", "leaks=2", "commits=1", "blobs=2", "upload=true"] {
        assert!(has(&outputs, line), "{line}: {outputs}");
    }
    assert!(has(&outputs, &format!("range={before}..{after}")), "{outputs}");
    assert!(said.contains("::error file=a,line=1,"), "{said}");
    let sarif = sarif_report(sarif_of(&outputs));
    assert!(
        !Path::new(&sarif_of(&outputs)).starts_with(scratch.path("ws")),
        "reports lie outside of the checkout"
    );
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    let summary = fs::read_to_string(scratch.path("summary.md")).unwrap();
    assert_eq!(summary.matches("## friskey: 2 leaks in 3 places").count(), 1, "{summary}");
    let (status, outputs, _) = scan(&scratch, "push", &payload, &[("INPUT_FAIL_ON_FINDINGS", "false")]);
    assert!(status == 0 && has(&outputs, "exit-code=1"), "{outputs}");
}

#[test]
fn every_event_reaches_the_tool() {
    let scratch = runner();
    let before = scratch.git("ws", &["rev-parse", "HEAD"]);
    scratch.write("ws/a", key(1));
    let after = scratch.commit("ws", "leak");
    scratch.git("ws", &["update-ref", "refs/remotes/origin/main", &before]);
    let zero = "0".repeat(40);
    let push = |before: &str, after: &str, name: &str| json!({"before": before, "after": after, "ref": name, "repository": {"default_branch": "main"}});
    let request =
        json!({"pull_request": {"base": {"sha": before}, "head": {"sha": after, "repo": {"fork": true}}}});
    let gone = "12".repeat(20);
    for (event, payload, status, findings) in [
        ("push", push(&zero, &after, "refs/heads/x"), 1, 1),
        ("push", push(&gone, &after, "refs/heads/x"), 1, 1),
        ("push", push(&before, &zero, "refs/heads/x"), 0, 0),
        ("push", push(&zero, &after, "refs/tags/v1"), 1, 1),
        ("push", push(&before, &gone, "refs/heads/x"), 3, 0),
        ("pull_request", request.clone(), 1, 1),
        ("pull_request_target", request, 1, 1),
        ("merge_group", json!({"merge_group": {"base_sha": before, "head_sha": after}}), 1, 1),
        ("schedule", json!({}), 1, 1),
        ("workflow_dispatch", json!({"inputs": {"x": "$(touch ran)"}}), 1, 1),
    ] {
        let (got, outputs, said) = scan(&scratch, event, &payload, &[]);
        assert_eq!(got, status, "{event}: {said}");
        assert!(has(&outputs, &format!("findings={findings}")), "{event}: {outputs}");
        let brings = payload["after"].as_str().is_none_or(|after| after != zero);
        // A report that does not cover its ref completely would close alerts.
        let uploads = status < 2 && brings && event != "pull_request_target";
        assert_eq!(has(&outputs, "upload=true"), uploads, "{event}");
    }
    assert_eq!(scan(&scratch, "push", &json!({}), &[]).0, 2);
}

#[test]
fn a_push_uploads_the_whole_history_so_that_no_alert_is_closed() {
    let scratch = runner();
    scratch.write("ws/old", key(1));
    let before = scratch.commit("ws", "old leak");
    scratch.write("ws/fine", "fine\n");
    let after = scratch.commit("ws", "fine");
    let payload = json!({"before": before, "after": after, "ref": "refs/heads/main"});
    let results = |outputs: &str| {
        let sarif = sarif_report(sarif_of(outputs));
        let id = sarif["runs"][0]["automationDetails"]["id"].as_str().unwrap().to_owned();
        (id, sarif["runs"][0]["results"].as_array().unwrap().len())
    };
    // The push decides about the step, all that there is about the alerts.
    let (status, outputs, said) = scan(&scratch, "push", &payload, &[]);
    assert!(status == 0 && has(&outputs, "findings=0") && has(&outputs, "upload=true"), "{outputs} {said}");
    assert!(!said.contains("::error"), "{said}");
    assert_eq!(results(&outputs), ("friskey/history/".to_owned(), 1));
    let (_, outputs, _) = scan(&scratch, "push", &payload, &[("INPUT_UPLOAD_SARIF", "false")]);
    assert!(!outputs.contains("upload="), "{outputs}");
    assert_eq!(results(&outputs), ("friskey/ci/".to_owned(), 0));
    // One that cannot look everywhere says nothing about alerts.
    scratch.write("ws/.git/objects/12/34567890123456789012345678901234567890", "no object");
    let (status, outputs, said) = scan(&scratch, "push", &payload, &[]);
    assert!(status == 0 && has(&outputs, "upload=true"), "findings outweigh gaps: {said}");
    scratch.write(
        "ws/accepted.toml",
        format!(
            "version = 1\n[[accepted]]\nfingerprint = '{}'\nrule = 'openai-project-key'\nreason = 'x'\n",
            crate::support::fingerprint(&key(1))
        ),
    );
    let (status, outputs, said) = scan(&scratch, "push", &payload, &[("INPUT_BASELINE", "accepted.toml")]);
    assert!(status == 0 && !outputs.contains("upload="), "{outputs}");
    assert!(said.contains("::warning title=friskey::not uploaded"), "{said}");
}

#[test]
fn inputs_are_obeyed_and_never_run() {
    let scratch = runner();
    scratch.write("ws/sub dir/a", key(1));
    scratch.write("ws/$(touch ran)/b", key(2));
    let tree = |variables: &[(&str, &str)]| {
        scan(&scratch, "schedule", &json!({}), &[&[("INPUT_MODE", "tree")], variables].concat())
    };
    let findings = |variables: &[(&str, &str)]| {
        let (_, outputs, said) = tree(variables);
        let line = outputs.lines().find_map(|line| line.strip_prefix("findings="));
        line.unwrap_or_else(|| panic!("{said}")).parse::<u32>().unwrap()
    };
    assert_eq!(findings(&[]), 2);
    assert_eq!(findings(&[("INPUT_PATHS", "sub dir")]), 1);
    assert_eq!(findings(&[("INPUT_PATHS", "sub dir\r\n$(touch ran)\n")]), 2);
    assert_eq!(findings(&[("INPUT_SARIF_FILE", "out dir/$(touch ran).sarif")]), 2);
    assert!(scratch.path("ws/out dir/$(touch ran).sarif").exists());
    scratch.write("ws/other.toml", "exclude = ['/sub dir/']\n");
    assert_eq!(findings(&[("INPUT_CONFIG", "other.toml")]), 1);
    let fingerprint = crate::support::fingerprint(&key(1));
    let entry =
        format!("[[accepted]]\nfingerprint = '{fingerprint}'\nrule = 'openai-project-key'\nreason = 'x'\n");
    scratch.write("ws/accepted.toml", format!("version = 1\n{entry}"));
    assert_eq!(findings(&[("INPUT_BASELINE", "accepted.toml")]), 1);
    assert_eq!(tree(&[("INPUT_MIN_CONFIDENCE", "sure; touch ran")]).0, 2);
    assert_eq!(findings(&[("INPUT_MIN_CONFIDENCE", "high")]), 2);
    assert_eq!(findings(&[("INPUT_BASELINE", "accepted.toml"), ("INPUT_NO_SUPPRESS", "true")]), 2);
    scratch.write("ws/sub dir/a", format!("{} # friskey:allow\n", key(1)));
    assert_eq!(findings(&[]), 1);
    assert_eq!(findings(&[("INPUT_STRICT", "true")]), 2);
    scratch.write("ws/own rules.toml", OWN_RULE);
    scratch.write("ws/more.toml", OWN_RULE.replace("widget", "gadget"));
    scratch.write("ws/w", "widget_0123456789abcdef gadget_0123456789abcdef\n");
    assert_eq!(findings(&[("INPUT_RULES", "own rules.toml")]), 2);
    assert_eq!(findings(&[("INPUT_RULES", "own rules.toml\r\n\nmore.toml\n")]), 3);
    for bad in [
        [("INPUT_BASE", "HEAD")],
        [("INPUT_HEAD", "HEAD")],
        [("INPUT_STRICT", "yes")],
        [("INPUT_NO_SUPPRESS", "1")],
        [("INPUT_UPLOAD_SARIF", "$(touch ran)")],
        [("INPUT_RULES", "--no-such.toml")],
        [("INPUT_MODE", "$(touch ran)")],
        [("INPUT_PATHS", "--no-such; touch ran")],
        [("INPUT_FAIL_ON_FINDINGS", "maybe")],
    ] {
        let (status, outputs, said) = tree(&bad);
        assert!(status == 2 && !outputs.contains("sarif="), "{bad:?}: {said}");
    }
    assert!(!scratch.path("ws/ran").exists());
    scratch.commit("ws", "all");
    let (status, outputs, _) = scan(&scratch, "schedule", &json!({}), &[("INPUT_MODE", "history")]);
    assert!(status == 1 && has(&outputs, "commits=2") && has(&outputs, "range="), "{outputs}");
    let range = [("INPUT_BASE", "HEAD~1"), ("INPUT_HEAD", "HEAD")];
    let (status, outputs, said) = scan(&scratch, "workflow_dispatch", &json!({}), &range);
    assert!(status == 1 && has(&outputs, "commits=1"), "{outputs}");
    assert!(has(&outputs, "range=HEAD~1..HEAD") && !outputs.contains("upload="), "{outputs}");
    assert!(said.contains("::notice title=friskey::not uploaded"), "{said}");
    let (status, outputs, _) = scan(&scratch, "schedule", &json!({}), &[("INPUT_BASE", "; touch ran")]);
    assert!(status == 2 && !outputs.contains("sarif=") && !scratch.path("ws/ran").exists());
    let (output, _) = step(&scratch, "upload-failed", &[]);
    assert!(output.status.success() && output.stdout.starts_with(b"::warning title=friskey::"));
}

/// Fake versions of the programs that use the network.
fn stand_ins(scratch: &Scratch) -> String {
    use std::os::unix::fs::PermissionsExt;
    let curl = "#!/bin/bash\nset -e\ncat >\"$STAND_INS/header\"\nwhile [ $# -gt 1 ]; do\n  if [ \"$1\" = --output ]; then to=$2; fi\n  \
                shift\ndone\necho \"$1\" >>\"$STAND_INS/fetched\"\ncp \"$STAND_INS/release/$(basename \"$1\")\" \"$to\"\n";
    let cargo = "#!/bin/bash\nset -e\necho \"$@\" >\"$STAND_INS/built\"\nmkdir -p \"${!#}/bin\"\n\
                 echo built >\"${!#}/bin/friskey\"\n";
    for (name, text) in [("curl", curl), ("cargo", cargo)] {
        let path = scratch.write(&format!("stand-ins/{name}"), text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!("{}:{}", scratch.path("stand-ins").display(), std::env::var("PATH").unwrap())
}

#[test]
fn a_release_is_installed_only_with_its_checksum() {
    let scratch = runner();
    let path = stand_ins(&scratch);
    let dir = scratch.path("stand-ins");
    let common = [
        ("PATH", path.as_str()),
        ("STAND_INS", dir.to_str().unwrap()),
        ("ACTION_REPOSITORY", "friskey/friskey"),
        ("INPUT_TOKEN", "the token"),
    ];
    let install = |variables: &[(&str, &str)]| step(&scratch, "install", &[&common[..], variables].concat());
    // no release: built, where none is named
    let (output, outputs) = install(&[("ACTION_REF", "v1.2.3")]);
    assert!(output.status.success() && has(&outputs, "build=true"), "{outputs}");
    assert!(outputs.contains("key=friskey-Linux-X64-"), "{outputs}");
    assert_eq!(install(&[("INPUT_VERSION", "1.2.3")]).0.status.code(), Some(2));
    for bad in ["latest", "1.2.3/../x", "$(touch ran)"] {
        let (output, _) = install(&[("INPUT_VERSION", bad)]);
        assert!(output.status.code() == Some(2) && output.stdout.starts_with(b"::error"), "{bad}");
    }
    // a release
    scratch.write("stand-ins/release/friskey", "the release");
    let name = "friskey-x86_64-unknown-linux-musl.tar.gz";
    let tar = scratch.path(&format!("stand-ins/release/{name}"));
    let made = run(
        scratch.command("tar", "stand-ins/release").args(["-czf", tar.to_str().unwrap(), "friskey"]),
        b"",
    );
    assert!(made.status.success());
    scratch.write(&format!("stand-ins/release/{name}.sha256"), format!("{}  {name}\n", "0".repeat(64)));
    for asked in [[("INPUT_VERSION", "v1.2.3")], [("ACTION_REF", "v1.2.3")]] {
        let (output, outputs) = install(&asked);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.code() == Some(2) && said.contains("checksum"), "{said}");
        assert!(!outputs.contains("build="), "a wrong checksum is no reason to go on");
    }
    let sum = run(scratch.command("sha256sum", "stand-ins/release").arg(name), b"").stdout;
    scratch.write(&format!("stand-ins/release/{name}.sha256"), sum);
    let (output, outputs) = install(&[("INPUT_VERSION", "1.2.3")]);
    assert!(output.status.success() && !outputs.contains("build="), "{outputs}");
    assert_eq!(fs::read_to_string(scratch.path("temp/friskey-v1.2.3/friskey")).unwrap(), "the release");
    let fetched = fs::read_to_string(scratch.path("stand-ins/fetched")).unwrap();
    assert!(
        fetched.contains(&format!("https://github.com/friskey/friskey/releases/download/v1.2.3/{name}\n"))
    );
    let header = fs::read_to_string(scratch.path("stand-ins/header")).unwrap();
    assert_eq!(header, "header = \"Authorization: Bearer the token\"\n");
    // from source
    let (_, outputs) = install(&[("INPUT_VERSION", "source"), ("ACTION_REF", "v1.2.3")]);
    assert!(has(&outputs, "build=true"), "{outputs}");
    let bin = scratch.path("temp/friskey-source");
    let (output, _) =
        step(&scratch, "build", &[&common[..], &[("FRISKEY_BIN", bin.to_str().unwrap())]].concat());
    assert!(output.status.success());
    let built = fs::read_to_string(scratch.path("stand-ins/built")).unwrap();
    assert!(built.starts_with(&format!("install --locked --path {} --root ", env!("CARGO_MANIFEST_DIR"))));
    assert!(bin.join("friskey").exists());
}

/// A program that says that it ran.
fn trap(scratch: &Scratch, path: &str) {
    use std::os::unix::fs::PermissionsExt;
    let ran = scratch.path("ran");
    let text = format!("#!/bin/sh\necho \"$0 $@\" >>'{}'\n", ran.display());
    fs::set_permissions(scratch.write(path, text), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn nothing_of_the_workspace_is_run_or_obeyed() {
    let scratch = runner();
    let stand_in_path = stand_ins(&scratch);
    let dir = scratch.path("stand-ins");
    let common = [("STAND_INS", dir.to_str().unwrap()), ("ACTION_REPOSITORY", "friskey/friskey")];
    let programs =
        ["cargo", "rustup", "rustc", "curl", "tar", "sha256sum", "awk", "grep", "mktemp", "cp", "find"];
    for program in programs.iter().chain(&["dirname", "sort", "cut", "mkdir", "rm", "sed", "friskey"]) {
        trap(&scratch, &format!("ws/bin/{program}"));
        trap(&scratch, &format!("ws/{program}"));
    }
    std::os::unix::fs::symlink(scratch.path("ws/bin"), scratch.path("link")).unwrap();
    let ws = scratch.path("ws");
    let absolute = format!("{}/bin:{}:.:bin::{stand_in_path}", ws.display(), scratch.path("link").display());
    for (step_name, more) in [
        ("install", ("INPUT_VERSION", "source")),
        ("install", ("ACTION_REF", "v1.2.3")),
        ("scan", ("INPUT_MODE", "tree")),
    ] {
        let variables =
            [&common[..], &[("PATH", &*absolute), ("GITHUB_EVENT_NAME", "schedule"), more]].concat();
        let (output, _) = step(&scratch, step_name, &variables);
        assert!(output.status.success(), "{step_name}: {}", String::from_utf8_lossy(&output.stdout));
    }
    // The arguments and the directory of the build.
    let probe = "#!/bin/bash\nset -e\n{ pwd -P; env; } >\"$STAND_INS/environment\"\nmkdir -p \"${!#}/bin\"\n\
                 echo built >\"${!#}/bin/friskey\"\n";
    scratch.write("stand-ins/cargo", probe);
    scratch.write("stand-ins/rustup", "#!/bin/sh\necho 'own-toolchain (default)'\n");
    {
        use std::os::unix::fs::PermissionsExt;
        let path = scratch.path("stand-ins/rustup");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let inside = ws.join("home");
    fs::create_dir_all(&inside).unwrap();
    let bin = scratch.path("temp/built");
    let hostile = [
        ("PATH", &*absolute),
        ("FRISKEY_BIN", bin.to_str().unwrap()),
        ("CARGO_HOME", inside.to_str().unwrap()),
        ("RUSTUP_HOME", "home"),
        ("RUSTUP_TOOLCHAIN", "theirs"),
        ("CARGO_BUILD_RUSTC_WRAPPER", "./evil"),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "./evil"),
        ("CARGO_ENCODED_RUSTFLAGS", "evil"),
        ("RUSTC", "./evil"),
        ("RUSTC_WRAPPER", "./evil"),
        ("RUSTFLAGS", "-Clinker=./evil"),
        ("CC", "./evil"),
        ("BASH_ENV", "./evil"),
    ];
    let (output, _) = step(&scratch, "build", &[&common[..], &hostile].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    let environment = fs::read_to_string(scratch.path("stand-ins/environment")).unwrap();
    assert!(environment.starts_with(env!("CARGO_MANIFEST_DIR")), "{environment}");
    assert!(has(&environment, "RUSTUP_TOOLCHAIN=own-toolchain"), "{environment}");
    assert!(!environment.contains("evil") && !environment.contains("theirs"), "{environment}");
    for line in environment.lines().filter(|line| line.starts_with("CARGO_") || line.starts_with("RUSTUP_")) {
        assert!(!line.contains("/ws/") && !line.contains("=home"), "{line}");
    }
    assert!(environment.contains("/temp/friskey-target"), "{environment}");
    let ran = fs::read_to_string(scratch.path("ran")).unwrap_or_default();
    assert!(ran.is_empty(), "{ran}");
}

#[test]
fn a_build_obeys_no_settings_above_the_action() {
    let scratch = runner();
    let path = stand_ins(&scratch);
    let dir = scratch.path("stand-ins");
    // If the action is checked out below foreign settings, a copy elsewhere is built.
    for name in ["Cargo.toml", "Cargo.lock", "src/main.rs", "rules/a.toml", "benches/b.rs"] {
        scratch.write(&format!("above/action/{name}"), "");
    }
    scratch.write("above/.cargo/config.toml", "[build]\nrustc-wrapper = './evil'\n");
    let variables = [
        ("PATH", path.as_str()),
        ("STAND_INS", dir.to_str().unwrap()),
        ("GITHUB_ACTION_PATH", &*scratch.path("above/action").display().to_string()),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (output, _) = step(&scratch, "build", &variables);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    let built = fs::read_to_string(scratch.path("stand-ins/built")).unwrap();
    assert!(!built.contains("/above/action"), "{built}");
    assert!(built.starts_with("install --locked --path "), "{built}");
}

#[test]
fn a_committed_link_does_not_divert_a_report() {
    let scratch = runner();
    let outside = scratch.write("outside", "mine\n");
    fs::create_dir_all(scratch.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(&outside, scratch.path("ws/friskey.sarif")).unwrap();
    std::os::unix::fs::symlink(scratch.path("elsewhere"), scratch.path("ws/out")).unwrap();
    scratch.commit("ws", "links");
    let tree = |file: &str| {
        let variables = [("INPUT_MODE", "tree"), ("INPUT_SARIF_FILE", file)];
        scan(&scratch, "schedule", &json!({}), &variables)
    };
    let (status, outputs, said) = tree("friskey.sarif");
    assert!(status == 0 && has(&outputs, "sarif=friskey.sarif"), "{said}");
    assert!(!scratch.path("ws/friskey.sarif").is_symlink());
    for path in ["out/friskey.sarif", "./out/deep/friskey.sarif", "../elsewhere/friskey.sarif"] {
        let (status, _, said) = tree(path);
        assert!(status == 2 && said.contains("::error title=friskey::"), "{path}: {said}");
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine\n");
    assert!(fs::read_dir(scratch.path("elsewhere")).unwrap().next().is_none());
}

#[test]
fn a_pull_request_cannot_exempt_itself_in_any_mode() {
    let scratch = runner();
    let base = scratch.git("ws", &["rev-parse", "HEAD"]);
    scratch.write("ws/secret.txt", key(1));
    scratch.write("ws/friskey.toml", "exclude = ['secret.txt']\n");
    scratch.write("ws/.gitignore", "secret.txt\n");
    scratch.git("ws", &["add", "-f", "secret.txt"]);
    let head = scratch.commit("ws", "excuse");
    let payload = json!({"pull_request": {"base": {"sha": base}, "head": {"sha": head}}});
    for mode in ["auto", "tree", "history"] {
        for config in ["", "friskey.toml"] {
            let variables = [("INPUT_MODE", mode), ("INPUT_CONFIG", config)];
            let (status, outputs, said) = scan(&scratch, "pull_request", &payload, &variables);
            assert!(status == 1 && has(&outputs, "findings=1"), "{mode}: {said}");
            assert!(said.contains("configuration, baseline and rules are those of "), "{mode}: {said}");
        }
    }
}
