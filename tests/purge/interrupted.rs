//! Tests purges that are killed, run out of disk space or may not write: the old repository stays unchanged, and an
//! incomplete new one cannot be mistaken for a purged one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use friskey::git::HashKind;
use friskey::model::Secret;

use crate::random_history::{Dice, generate};
use crate::support::{Scratch, print_skipped, stderr};

/// The number of purges to kill, each at another moment.
const KILLS: usize = 50;

/// The path of every file below `dir`, with a digest of its bytes.
fn digests(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.insert(format!("{}/", path.display()), String::new());
                pending.push(path);
            } else {
                let digest = Secret::new(std::fs::read(&path).unwrap(), 0).fingerprint().to_string();
                files.insert(path.display().to_string(), digest);
            }
        }
    }
    files
}

/// The names of what a purge left in the scratch directory: the new repository, or an unfinished one.
fn leftovers(scratch: &Scratch) -> Vec<String> {
    let names = std::fs::read_dir(scratch.root()).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names.filter(|name| name.trim_start_matches('.').starts_with("new")).collect()
}

/// Checks that whatever a purge left is an empty directory, a directory that git and friskey refuse, or the complete new
/// repository, and removes it. Returns whether there was a complete one.
fn check_and_remove_leftovers(scratch: &Scratch, case: &str) -> bool {
    let mut is_complete = false;
    for name in leftovers(scratch) {
        if std::fs::read_dir(scratch.path(&name)).unwrap().next().is_some() {
            let is_repository =
                scratch.try_git("", &["--git-dir", &name, "rev-parse", "--git-dir"]).status.success();
            if is_repository {
                is_complete = true;
                check_complete(scratch, &name, case);
            } else {
                check_refused(scratch, &name, case);
            }
        }
        std::fs::remove_dir_all(scratch.path(&name)).unwrap();
    }
    is_complete
}

/// Checks that friskey and git refuse the unfinished repository `name`.
fn check_refused(scratch: &Scratch, name: &str, case: &str) {
    let purge = scratch.friskey(&["purge", "old.git", "--into", name]);
    assert_eq!(purge.status.code(), Some(2), "{case}: {}", stderr(&purge));
    let clone = scratch.try_git("", &["clone", "-q", "--mirror", name, "clone.git"]);
    assert!(!clone.status.success(), "{case}: {name} can be cloned");
    let audit = scratch.friskey(&["history", name]);
    assert_eq!(audit.status.code(), Some(2), "{case}: {name} can be audited");
}

/// Checks that the repository `name` is valid and clean, and has the refs of `complete.git` if that exists.
fn check_complete(scratch: &Scratch, name: &str, case: &str) {
    let fsck = scratch.try_git(name, &["fsck", "--full", "--strict"]);
    assert!(fsck.status.success(), "{case}: {}", stderr(&fsck));
    if scratch.path("complete.git").exists() {
        assert_eq!(refs(scratch, name), refs(scratch, "complete.git"), "{case}");
    }
    assert_eq!(scratch.friskey(&["history", name]).status.code(), Some(0), "{case}");
}

#[test]
fn a_killed_purge_leaves_no_incomplete_repository() {
    let scratch = Scratch::new();
    generate(&scratch, "old.git", 7, HashKind::Sha1, false);
    let before = digests(&scratch.path("old.git"));
    let program = env!("CARGO_BIN_EXE_friskey");
    let start = Instant::now();
    let purge = scratch.friskey(&["purge", "old.git", "--into", "complete.git"]);
    assert_eq!(purge.status.code(), Some(0), "{}", stderr(&purge));
    let duration = start.elapsed().max(Duration::from_millis(20));
    let mut dice = Dice::new(50);
    let mut killed = 0;
    for number in 0..KILLS {
        let new = format!("new{number}.git");
        let mut command = scratch.command(program, "");
        command.args(["purge", "old.git", "--into", &new]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Up to 1.1 times as long as a whole purge takes.
        std::thread::sleep(duration.mul_f64(dice.roll(1100) as f64 / 1000.0));
        // SIGKILL: the purge cannot clean up.
        let _ = child.kill();
        let status = child.wait().unwrap();
        let is_complete = check_and_remove_leftovers(&scratch, &format!("kill {number}"));
        if status.success() {
            assert!(is_complete, "kill {number} came after the end, but there is no repository");
        } else {
            killed += 1;
        }
    }
    assert!(killed > KILLS / 4, "only {killed} of {KILLS} were killed in time");
    assert_eq!(digests(&scratch.path("old.git")), before);
}

fn refs(scratch: &Scratch, name: &str) -> String {
    scratch.git(name, &["for-each-ref"])
}

/// Simulates a full disk with a limit for the size of files.
#[cfg(unix)]
#[test]
fn a_purge_under_a_file_size_limit_leaves_no_incomplete_repository() {
    let scratch = Scratch::new();
    generate(&scratch, "old.git", 11, HashKind::Sha1, false);
    let before = digests(&scratch.path("old.git"));
    let mut failed = 0;
    // POSIX defines a block as 512 bytes.
    for blocks in [0, 1, 2, 4, 8, 12, 16, 24, 32, 64] {
        let script = format!(
            "ulimit -f {blocks}; trap '' XFSZ; exec '{}' purge old.git --into new.git --report purge.json",
            env!("CARGO_BIN_EXE_friskey")
        );
        let output = scratch.command("sh", "").args(["-c", &script]).output().unwrap();
        let case = format!("{blocks} blocks: {}", stderr(&output));
        let is_complete = check_and_remove_leftovers(&scratch, &case);
        match output.status.code() {
            Some(0) => assert!(is_complete, "{case}"),
            status => {
                assert_eq!(status, Some(2), "{case}");
                assert!(!stderr(&output).is_empty(), "{case}");
                failed += 1;
            }
        }
        let _ = std::fs::remove_file(scratch.path("purge.json"));
    }
    assert!(failed >= 3, "only {failed} purges reached the limit");
    assert_eq!(digests(&scratch.path("old.git")), before);
}

/// Mounts small file systems; skipped where that is not permitted.
#[cfg(target_os = "linux")]
#[test]
fn a_purge_on_a_full_disk_leaves_no_incomplete_repository() {
    let scratch = Scratch::new();
    generate(&scratch, "old.git", 13, HashKind::Sha1, false);
    let before = digests(&scratch.path("old.git"));
    std::fs::create_dir(scratch.path("disk")).unwrap();
    for size in [4, 8, 12, 16, 24, 32, 48, 64, 96, 128] {
        let script = format!(
            "mount -t tmpfs -o size={size}k none disk || exit 99
            '{}' purge old.git --into disk/new.git; status=$?
            if [ $status -eq 0 ]; then git -C disk/new.git fsck --full --strict || exit 98; exit 0; fi
            [ -e disk/new.git/HEAD ] && git --git-dir disk/new.git rev-parse --git-dir && exit 97
            exit $status",
            env!("CARGO_BIN_EXE_friskey")
        );
        // The mount is visible only to this process, and ends with it.
        let mut command = scratch.command("unshare", "");
        let Ok(output) = command.args(["--mount", "sh", "-c", &script]).output() else {
            print_skipped("there is no `unshare`");
            return;
        };
        let case = format!("{size} KiB: {}", stderr(&output));
        match output.status.code() {
            Some(0 | 2) => {}
            // "Permission denied" or "Operation not permitted".
            Some(1 | 99) if case.contains("ermi") => {
                print_skipped("no file system can be mounted here");
                return;
            }
            status => panic!("status {status:?}, {case}"),
        }
    }
    assert_eq!(digests(&scratch.path("old.git")), before);
}

#[cfg(unix)]
#[test]
fn a_purge_into_an_impossible_destination_is_refused_and_changes_nothing() {
    let scratch = Scratch::new();
    generate(&scratch, "old.git", 17, HashKind::Sha1, false);
    let before = digests(&scratch.path("old.git"));
    // Nobody can create a directory there, not even root.
    for target in ["/proc/new.git", "old.git/HEAD/new.git", "missing/deep/new.git"] {
        let output = scratch.friskey(&["purge", "old.git", "--into", target]);
        assert_eq!(output.status.code(), Some(2), "{target}: {}", stderr(&output));
        assert!(
            stderr(&output).contains(target.rsplit_once('/').unwrap().0),
            "{target}: {}",
            stderr(&output)
        );
    }
    scratch.write("full/file", "x");
    let output = scratch.friskey(&["purge", "old.git", "--into", "full"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(std::fs::read(scratch.path("full/file")).unwrap(), b"x");
    let output = scratch.friskey(&["purge", "old.git", "--into", "old.git"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(digests(&scratch.path("old.git")), before);
}
