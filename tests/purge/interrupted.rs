//! Tests purges that are killed, run out of disk space or may not write: the old repository is unchanged, and nothing is left
//! that could be mistaken for a purged one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use friskey::git::HashKind;
use friskey::model::Secret;

use crate::random_history::{Dice, make};
use crate::support::{Scratch, skipped, stderr};

/// How many purges are killed, each at another moment.
const KILLS: usize = 50;

/// Every file below `dir` with a digest of its bytes.
fn contents(dir: &Path) -> BTreeMap<String, String> {
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

/// The entries that a purge left in the scratch directory `dir`: the new repository, or an unfinished one.
fn left(scratch: &Scratch, dir: &str) -> Vec<String> {
    let names = std::fs::read_dir(scratch.path(dir)).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names
        .filter(|name| name.trim_start_matches('.').starts_with("new"))
        .map(|name| format!("{dir}{name}"))
        .collect()
}

/// Checks that each entry that is left is empty, or refused by both git and friskey, or the complete new repository. Removes it.
/// Returns whether a complete one was there.
fn check_left(scratch: &Scratch, when: &str) -> bool {
    let mut is_whole = false;
    for name in left(scratch, "") {
        if std::fs::read_dir(scratch.path(&name)).unwrap().next().is_some() {
            let is_repository =
                scratch.try_git("", &["--git-dir", &name, "rev-parse", "--git-dir"]).status.success();
            if is_repository {
                is_whole = true;
                check_whole(scratch, &name, when);
            } else {
                check_refused(scratch, &name, when);
            }
        }
        std::fs::remove_dir_all(scratch.path(&name)).unwrap();
    }
    is_whole
}

fn check_refused(scratch: &Scratch, name: &str, when: &str) {
    let again = scratch.friskey(&["purge", "old.git", "--into", name]);
    assert_eq!(again.status.code(), Some(2), "{when}: {}", stderr(&again));
    let cloned = scratch.try_git("", &["clone", "-q", "--mirror", name, "clone.git"]);
    assert!(!cloned.status.success(), "{when}: {name} can be cloned");
    let audit = scratch.friskey(&["history", name]);
    assert_eq!(audit.status.code(), Some(2), "{when}: {name} can be audited");
}

fn check_whole(scratch: &Scratch, name: &str, when: &str) {
    let fsck = scratch.try_git(name, &["fsck", "--full", "--strict"]);
    assert!(fsck.status.success(), "{when}: {}", stderr(&fsck));
    if scratch.path("whole.git").exists() {
        assert_eq!(refs(scratch, name), refs(scratch, "whole.git"), "{when}");
    }
    assert_eq!(scratch.friskey(&["history", name]).status.code(), Some(0), "{when}");
}

#[test]
fn a_purge_that_is_killed_leaves_no_half_repository() {
    let scratch = Scratch::new();
    make(&scratch, "old.git", 7, HashKind::Sha1, false);
    let before = contents(&scratch.path("old.git"));
    let program = env!("CARGO_BIN_EXE_friskey");
    let begun = Instant::now();
    let whole = scratch.friskey(&["purge", "old.git", "--into", "whole.git"]);
    assert_eq!(whole.status.code(), Some(0), "{}", stderr(&whole));
    let takes = begun.elapsed().max(Duration::from_millis(20));
    let mut dice = Dice::new(50);
    let mut killed = 0;
    for number in 0..KILLS {
        let new = format!("new{number}.git");
        let mut command = scratch.command(program, "");
        command.args(["purge", "old.git", "--into", &new]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(takes.mul_f64(dice.roll(1100) as f64 / 1000.0));
        // SIGKILL: the purge cannot clean up.
        let _ = child.kill();
        let status = child.wait().unwrap();
        let is_whole = check_left(&scratch, &format!("kill {number}"));
        if status.success() {
            assert!(is_whole, "kill {number} came too late, and there is no repository");
        } else {
            killed += 1;
        }
    }
    assert!(killed > KILLS / 4, "{killed} of {KILLS} were killed in time");
    assert_eq!(contents(&scratch.path("old.git")), before);
}

fn refs(scratch: &Scratch, name: &str) -> String {
    scratch.git(name, &["for-each-ref"])
}

/// Simulates a full disk with a limit for the size of files.
#[cfg(unix)]
#[test]
fn a_purge_without_room_leaves_no_half_repository() {
    let scratch = Scratch::new();
    make(&scratch, "old.git", 11, HashKind::Sha1, false);
    let before = contents(&scratch.path("old.git"));
    let mut refused = 0;
    // In blocks of 512 bytes, as POSIX says.
    for blocks in [0, 1, 2, 4, 8, 12, 16, 24, 32, 64] {
        let script = format!(
            "ulimit -f {blocks}; trap '' XFSZ; exec '{}' purge old.git --into new.git --report purge.json",
            env!("CARGO_BIN_EXE_friskey")
        );
        let output = scratch.command("sh", "").args(["-c", &script]).output().unwrap();
        let when = format!("{blocks} blocks: {}", stderr(&output));
        let is_whole = check_left(&scratch, &when);
        match output.status.code() {
            Some(0) => assert!(is_whole, "{when}"),
            status => {
                assert_eq!(status, Some(2), "{when}");
                assert!(!stderr(&output).is_empty(), "{when}");
                refused += 1;
            }
        }
        let _ = std::fs::remove_file(scratch.path("purge.json"));
    }
    assert!(refused >= 3, "{refused}");
    assert_eq!(contents(&scratch.path("old.git")), before);
}

/// Uses a file system that is really full, where one can be mounted.
#[cfg(target_os = "linux")]
#[test]
fn a_purge_on_a_full_disk_leaves_no_half_repository() {
    let scratch = Scratch::new();
    make(&scratch, "old.git", 13, HashKind::Sha1, false);
    let before = contents(&scratch.path("old.git"));
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
            skipped("there is no `unshare`");
            return;
        };
        let when = format!("{size} KiB: {}", stderr(&output));
        match output.status.code() {
            Some(0 | 2) => {}
            Some(1 | 99) if when.contains("ermi") || when.contains("ermitted") => {
                skipped("no file system can be mounted here");
                return;
            }
            status => panic!("status {status:?}, {when}"),
        }
    }
    assert_eq!(contents(&scratch.path("old.git")), before);
}

#[cfg(unix)]
#[test]
fn a_purge_that_may_not_write_says_so() {
    let scratch = Scratch::new();
    make(&scratch, "old.git", 17, HashKind::Sha1, false);
    let before = contents(&scratch.path("old.git"));
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
    assert_eq!(contents(&scratch.path("old.git")), before);
}
