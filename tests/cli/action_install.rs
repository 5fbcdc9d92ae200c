//! Tests how the GitHub Action installs friskey: from a release with its checksum, or built from source.
#![cfg(unix)]

use std::fs;

use crate::action::{has_line, run_step, runner};
use crate::support::{Scratch, run};

/// Creates fakes of curl and cargo in the directory `fakes`, which download nothing and record how they are called.
/// Returns a PATH that starts with this directory; `FAKES` must contain its path, too.
fn install_fakes(scratch: &Scratch) -> String {
    use std::os::unix::fs::PermissionsExt;
    let curl = "#!/bin/bash\nset -e\ncat >\"$FAKES/header\"\nwhile [ $# -gt 1 ]; do\n  if [ \"$1\" = --output ]; then to=$2; fi\n  \
                shift\ndone\necho \"$1\" >>\"$FAKES/fetched\"\ncp \"$FAKES/release/$(basename \"$1\")\" \"$to\"\n";
    let cargo = "#!/bin/bash\nset -e\necho \"$@\" >\"$FAKES/built\"\nmkdir -p \"${!#}/bin\"\n\
                 echo built >\"${!#}/bin/friskey\"\n";
    for (name, text) in [("curl", curl), ("cargo", cargo)] {
        let path = scratch.write(&format!("fakes/{name}"), text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    format!("{}:{}", scratch.path("fakes").display(), std::env::var("PATH").unwrap())
}

#[test]
fn a_release_is_installed_only_with_its_checksum() {
    let scratch = runner();
    let path = install_fakes(&scratch);
    let dir = scratch.path("fakes");
    let common = [
        ("PATH", path.as_str()),
        ("FAKES", dir.to_str().unwrap()),
        ("ACTION_REPOSITORY", "friskey/friskey"),
        ("INPUT_TOKEN", "the token"),
    ];
    let install =
        |variables: &[(&str, &str)]| run_step(&scratch, "install", &[&common[..], variables].concat());
    // If the release of the action's own tag cannot be downloaded, friskey is built from source. If a version was
    // requested, the step fails instead.
    let (output, outputs) = install(&[("ACTION_REF", "v1.2.3")]);
    assert!(output.status.success() && has_line(&outputs, "build=true"), "{outputs}");
    assert!(outputs.contains("key=friskey-Linux-X64-"), "{outputs}");
    assert_eq!(install(&[("INPUT_VERSION", "1.2.3")]).0.status.code(), Some(2));
    for invalid in ["latest", "1.2.3/../x", "$(touch ran)"] {
        let (output, _) = install(&[("INPUT_VERSION", invalid)]);
        assert!(output.status.code() == Some(2) && output.stdout.starts_with(b"::error"), "{invalid}");
    }
    // A release that exists, but not with this checksum.
    scratch.write("fakes/release/friskey", "the release");
    let name = "friskey-x86_64-unknown-linux-musl.tar.gz";
    let tar = scratch.path(&format!("fakes/release/{name}"));
    let tar_output =
        run(scratch.command("tar", "fakes/release").args(["-czf", tar.to_str().unwrap(), "friskey"]), b"");
    assert!(tar_output.status.success());
    scratch.write(&format!("fakes/release/{name}.sha256"), format!("{}  {name}\n", "0".repeat(64)));
    for version in [[("INPUT_VERSION", "v1.2.3")], [("ACTION_REF", "v1.2.3")]] {
        let (output, outputs) = install(&version);
        let log = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.code() == Some(2) && log.contains("checksum"), "{log}");
        assert!(!outputs.contains("build="), "after a wrong checksum, nothing may be built instead");
    }
    // The right checksum.
    let checksum = run(scratch.command("sha256sum", "fakes/release").arg(name), b"").stdout;
    scratch.write(&format!("fakes/release/{name}.sha256"), checksum);
    let (output, outputs) = install(&[("INPUT_VERSION", "1.2.3")]);
    assert!(output.status.success() && !outputs.contains("build="), "{outputs}");
    assert_eq!(fs::read_to_string(scratch.path("temp/friskey-v1.2.3/friskey")).unwrap(), "the release");
    let fetched = fs::read_to_string(scratch.path("fakes/fetched")).unwrap();
    assert!(
        fetched.contains(&format!("https://github.com/friskey/friskey/releases/download/v1.2.3/{name}\n"))
    );
    let header = fs::read_to_string(scratch.path("fakes/header")).unwrap();
    assert_eq!(header, "header = \"Authorization: Bearer the token\"\n");
    // Building from source.
    let (_, outputs) = install(&[("INPUT_VERSION", "source"), ("ACTION_REF", "v1.2.3")]);
    assert!(has_line(&outputs, "build=true"), "{outputs}");
    let bin = scratch.path("temp/friskey-source");
    let (output, _) =
        run_step(&scratch, "build", &[&common[..], &[("FRISKEY_BIN", bin.to_str().unwrap())]].concat());
    assert!(output.status.success());
    let built = fs::read_to_string(scratch.path("fakes/built")).unwrap();
    assert!(built.starts_with(&format!("install --locked --path {} --root ", env!("CARGO_MANIFEST_DIR"))));
    assert!(bin.join("friskey").exists());
}

/// Creates a program that records in the file `ran` that it was started.
fn write_trap(scratch: &Scratch, path: &str) {
    use std::os::unix::fs::PermissionsExt;
    let ran = scratch.path("ran");
    let text = format!("#!/bin/sh\necho \"$0 $@\" >>'{}'\n", ran.display());
    fs::set_permissions(scratch.write(path, text), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn nothing_in_the_workspace_is_run_or_configures_the_build() {
    let scratch = runner();
    let path_with_fakes = install_fakes(&scratch);
    let dir = scratch.path("fakes");
    let common = [("FAKES", dir.to_str().unwrap()), ("ACTION_REPOSITORY", "friskey/friskey")];
    let programs =
        ["cargo", "rustup", "rustc", "curl", "tar", "sha256sum", "awk", "grep", "mktemp", "cp", "find"];
    for program in programs.iter().chain(&["dirname", "sort", "cut", "mkdir", "rm", "sed", "friskey"]) {
        write_trap(&scratch, &format!("ws/bin/{program}"));
        write_trap(&scratch, &format!("ws/{program}"));
    }
    std::os::unix::fs::symlink(scratch.path("ws/bin"), scratch.path("link")).unwrap();
    let ws = scratch.path("ws");
    let hostile_path =
        format!("{}/bin:{}:.:bin::{path_with_fakes}", ws.display(), scratch.path("link").display());
    for (step_name, variable) in [
        ("install", ("INPUT_VERSION", "source")),
        ("install", ("ACTION_REF", "v1.2.3")),
        ("scan", ("INPUT_MODE", "tree")),
    ] {
        let variables =
            [&common[..], &[("PATH", &*hostile_path), ("GITHUB_EVENT_NAME", "schedule"), variable]].concat();
        let (output, _) = run_step(&scratch, step_name, &variables);
        assert!(output.status.success(), "{step_name}: {}", String::from_utf8_lossy(&output.stdout));
    }
    // This cargo records the directory and the environment in which it runs.
    let recording_cargo = "#!/bin/bash\nset -e\n{ pwd -P; env; } >\"$FAKES/environment\"\nmkdir -p \"${!#}/bin\"\n\
                 echo built >\"${!#}/bin/friskey\"\n";
    scratch.write("fakes/cargo", recording_cargo);
    scratch.write("fakes/rustup", "#!/bin/sh\necho 'runner-toolchain (default)'\n");
    {
        use std::os::unix::fs::PermissionsExt;
        let path = scratch.path("fakes/rustup");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let home_in_workspace = ws.join("home");
    fs::create_dir_all(&home_in_workspace).unwrap();
    let bin = scratch.path("temp/built");
    let hostile = [
        ("PATH", &*hostile_path),
        ("FRISKEY_BIN", bin.to_str().unwrap()),
        ("CARGO_HOME", home_in_workspace.to_str().unwrap()),
        ("RUSTUP_HOME", "home"),
        ("RUSTUP_TOOLCHAIN", "hostile-toolchain"),
        ("CARGO_BUILD_RUSTC_WRAPPER", "./evil"),
        ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "./evil"),
        ("CARGO_ENCODED_RUSTFLAGS", "evil"),
        ("RUSTC", "./evil"),
        ("RUSTC_WRAPPER", "./evil"),
        ("RUSTFLAGS", "-Clinker=./evil"),
        ("CC", "./evil"),
        ("BASH_ENV", "./evil"),
    ];
    let (output, _) = run_step(&scratch, "build", &[&common[..], &hostile].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    let environment = fs::read_to_string(scratch.path("fakes/environment")).unwrap();
    assert!(environment.starts_with(env!("CARGO_MANIFEST_DIR")), "{environment}");
    assert!(has_line(&environment, "RUSTUP_TOOLCHAIN=runner-toolchain"), "{environment}");
    assert!(!environment.contains("evil") && !environment.contains("hostile-toolchain"), "{environment}");
    for line in environment.lines().filter(|line| line.starts_with("CARGO_") || line.starts_with("RUSTUP_")) {
        assert!(!line.contains("/ws/") && !line.contains("=home"), "{line}");
    }
    assert!(environment.contains("/temp/friskey-target"), "{environment}");
    let ran = fs::read_to_string(scratch.path("ran")).unwrap_or_default();
    assert!(ran.is_empty(), "programs in the workspace were started: {ran}");
}

#[test]
fn a_build_ignores_settings_in_directories_above_the_action() {
    let scratch = runner();
    let path = install_fakes(&scratch);
    let dir = scratch.path("fakes");
    // If there are settings of cargo in a directory above the action, a copy of the action elsewhere is built.
    for name in ["Cargo.toml", "Cargo.lock", "src/main.rs", "rules/a.toml", "benches/b.rs"] {
        scratch.write(&format!("above/action/{name}"), "");
    }
    scratch.write("above/.cargo/config.toml", "[build]\nrustc-wrapper = './evil'\n");
    let variables = [
        ("PATH", path.as_str()),
        ("FAKES", dir.to_str().unwrap()),
        ("GITHUB_ACTION_PATH", &*scratch.path("above/action").display().to_string()),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (output, _) = run_step(&scratch, "build", &variables);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    let built = fs::read_to_string(scratch.path("fakes/built")).unwrap();
    assert!(!built.contains("/above/action"), "{built}");
    assert!(built.starts_with("install --locked --path "), "{built}");
}
