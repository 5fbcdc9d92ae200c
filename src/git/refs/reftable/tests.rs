//! Reads tables that git wrote and damaged ones, and compares refs and reflogs with those that git lists.

use std::fmt::Write;
use std::sync::LazyLock;

use gix::hash::Kind;
use proptest::prelude::*;

use super::*;
use crate::git::refs::{LogEntry, Refs, TipKind, read};
use crate::git::scratch::Scratch;

fn reftable_repository(arguments: &[&str]) -> Scratch {
    Scratch::new(&[&["--ref-format=reftable"], arguments].concat())
}

fn gap_lines(refs: &Refs) -> Vec<String> {
    let skips = refs.gaps.clone().into_skips().into_iter();
    skips.map(|skip| format!("{} {}", skip.what, skip.reason)).collect()
}

/// New value and message of each entry of a log.
fn log_lines(entries: &[LogEntry], log: &str) -> Vec<String> {
    let entries = entries.iter().filter(|entry| entry.log == log);
    entries.map(|entry| format!("{} {}", entry.new, String::from_utf8_lossy(&entry.message))).collect()
}

/// Asserts that refs and reflogs are those that git lists.
fn assert_matches_git(scratch: &Scratch) -> Refs {
    let refs = read(&scratch.open());
    assert_eq!(gap_lines(&refs), Vec::<String>::new());
    let tips = refs.tips.iter().filter(|tip| tip.kind == TipKind::Ref);
    let tips: Vec<_> = tips.map(|tip| format!("{} {}", tip.id, tip.name)).collect();
    let git_refs = scratch.git(&["for-each-ref", "--format=%(objectname) %(refname)"]);
    assert_eq!(tips, git_refs.lines().collect::<Vec<_>>());
    let git_logs = scratch.git(&["reflog", "list"]);
    // Only about sixteen logs, since each query starts a process.
    for log in git_logs.lines().step_by(git_logs.lines().count() / 16 + 1) {
        let entries = log_lines(&refs.logs, log);
        if entries.is_empty() {
            // The whole log has expired.
            assert!(refs.superseded_entries.iter().any(|entry| entry.log == log), "{log}");
            continue;
        }
        // Git does not show entries that deleted the ref, as the first half of a rename does.
        let entries: Vec<_> = entries.into_iter().filter(|entry| !entry.starts_with("000000")).collect();
        let git_entries = scratch.git(&["reflog", "show", "--format=%H %gs", log, "--"]);
        assert_eq!(entries, git_entries.lines().collect::<Vec<_>>(), "{log}");
    }
    let git_logs: HashSet<&str> = git_logs.lines().collect();
    assert!(refs.logs.iter().all(|entry| git_logs.contains(entry.log.as_str())));
    refs
}

/// The files of the tables, oldest first.
fn table_files(scratch: &Scratch) -> Vec<PathBuf> {
    let dir = scratch.path().join(".git/reftable");
    let list = std::fs::read_to_string(dir.join("tables.list")).unwrap();
    list.lines().map(|name| dir.join(name)).collect()
}

/// Creates, moves and deletes enough refs to fill many blocks, with a log for each branch.
fn fill_with_refs(scratch: &Scratch, config: &[&str]) {
    let first = scratch.commit("first");
    let second = scratch.commit("second");
    scratch.git(&["tag", "-a", "-m", "annotated", "heavy"]);
    let mut creations = String::new();
    for number in 0..2000 {
        let dir = if number % 4 == 0 { "heads" } else { "tags" };
        writeln!(creations, "create refs/{dir}/{number:04}/é {first}").unwrap();
    }
    let update = [config, &["update-ref", "-m", "made by the thousand", "--stdin"]].concat();
    scratch.git_with(&update, creations.as_bytes());
    let mut changes = String::new();
    for number in (0..2000).step_by(10) {
        let dir = if number % 4 == 0 { "heads" } else { "tags" };
        writeln!(changes, "update refs/{dir}/{number:04}/é {second}").unwrap();
        let (number, dir) = (number + 1, "tags");
        writeln!(changes, "delete refs/{dir}/{number:04}/é").unwrap();
    }
    scratch.git_with(&update, changes.as_bytes());
}

#[test]
fn refs_and_logs_in_many_blocks_match_git() {
    // Blocks of the default size, and small ones, which need several levels of index.
    for config in [&[][..], &["-c", "reftable.blockSize=400"], &["-c", "reftable.restartInterval=1"]] {
        for format in ["--object-format=sha1", "--object-format=sha256"] {
            let scratch = reftable_repository(&[format]);
            fill_with_refs(&scratch, config);
            let refs = assert_matches_git(&scratch);
            assert!(refs.other_names.contains("refs/tags/0011/é"));
            scratch.git(&[config, &["pack-refs", "--all"]].concat());
            assert_eq!(table_files(&scratch).len(), 1);
            let refs = assert_matches_git(&scratch);
            assert_eq!((refs.tips.len(), refs.superseded_entries.len()), (1 + 1 + 1800, 0));
        }
    }
}

#[test]
fn stacks_match_git_before_and_after_compaction() {
    let scratch = reftable_repository(&[]);
    scratch.commit("first");
    for number in 0..12 {
        scratch.git(&["branch", &format!("b{number}")]);
        if number % 3 == 0 {
            scratch.git(&["branch", "-q", "-D", &format!("b{number}")]);
        }
        assert_matches_git(&scratch);
    }
    scratch.git(&["branch", "-m", "b1", "renamed"]);
    scratch.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/nowhere"]);
    let refs = read(&scratch.open());
    assert!(refs.other_names.contains("refs/heads/nowhere"));
    scratch.git(&["symbolic-ref", "--delete", "refs/heads/alias"]);
    assert_matches_git(&scratch);
}

#[test]
fn superseded_entries_are_kept_separately() {
    let scratch = reftable_repository(&[]);
    let first = scratch.commit("first");
    let uncompacted = ["-c", "reftable.autoCompaction=false"];
    let git = |arguments: &[&str]| {
        let mut command = scratch.command(&[&uncompacted, arguments].concat());
        assert!(command.env("GIT_TEST_REFTABLE_AUTOCOMPACTION", "false").status().unwrap().success());
    };
    git(&["branch", "--create-reflog", "gone"]);
    git(&["update-ref", "-m", "by hand", "refs/heads/gone", "HEAD"]);
    git(&["branch", "-q", "-D", "gone"]);
    git(&["reflog", "expire", "--expire=all", "HEAD"]);
    let refs = assert_matches_git(&scratch);
    assert_eq!(
        log_lines(&refs.superseded_entries, "refs/heads/gone"),
        [format!("{first} branch: Created from main")]
    );
    assert!(
        log_lines(&refs.superseded_entries, "HEAD").contains(&format!("{first} commit (initial): first"))
    );
    let mut texts = Vec::new();
    refs.for_each_table_log(|path, text| {
        texts.push(format!("{} {}", path.escape_ascii(), text.escape_ascii()))
    });
    assert!(texts.iter().any(|text| text.starts_with("logs/refs/heads/gone 0000")), "{texts:?}");
}

#[test]
fn unreadable_tables_are_gaps_and_the_rest_is_read() {
    let scratch = reftable_repository(&[]);
    scratch.commit("first");
    scratch.git(&["pack-refs", "--all"]);
    scratch.git(&["worktree", "add", "-q", "linked"]);
    let list = scratch.path().join(".git/reftable/tables.list");
    let listed = std::fs::read_to_string(&list).unwrap();
    std::fs::write(&list, format!("{listed}../../outside.ref\nmissing.ref\nforeign.ref\n")).unwrap();
    scratch.write(".git/reftable/foreign.ref", "this is not a table at all");
    let refs = read(&scratch.open());
    let gaps = gap_lines(&refs);
    for expected in [
        "reftable/foreign.ref is not a reftable",
        "reftable/missing.ref cannot be read: ",
        "reftable/tables.list has a line that is not the name of a table",
    ] {
        assert!(gaps.iter().any(|skip| skip.starts_with(expected)), "{expected} in {gaps:?}");
    }
    assert_eq!(gaps.len(), 3);
    assert_eq!(refs.head.as_deref(), Some("refs/heads/main"));
    let table = &table_files(&scratch)[0];
    let mut bytes = std::fs::read(table).unwrap();
    let end = bytes.len();
    bytes[end - 1] ^= 1;
    std::fs::write(&list, listed).unwrap();
    std::fs::write(table, bytes).unwrap();
    let damaged = read(&scratch.open());
    assert!(gap_lines(&damaged)[0].ends_with(".ref has a damaged footer"), "{:?}", gap_lines(&damaged));
    assert_eq!((damaged.tips, damaged.logs), (refs.tips, refs.logs));
    std::fs::remove_file(&list).unwrap();
    let gaps = gap_lines(&read(&scratch.open()));
    assert!(gaps.iter().any(|skip| skip.starts_with("reftable/tables.list cannot be read")), "{gaps:?}");
}

#[test]
fn unlisted_tables_are_read() {
    let scratch = reftable_repository(&[]);
    let first = scratch.commit("first");
    scratch.git(&["update-ref", "-m", "by hand", "refs/heads/gone", "HEAD"]);
    scratch.git(&["pack-refs", "--all"]);
    let table = std::fs::read(&table_files(&scratch)[0]).unwrap();
    scratch.git(&["branch", "-q", "-D", "gone"]);
    scratch.git(&["reflog", "expire", "--expire=all", "--all"]);
    scratch.git(&["pack-refs", "--all"]);
    let refs = assert_matches_git(&scratch);
    assert!(
        !refs.other_names.contains("refs/heads/gone")
            && log_lines(&refs.superseded_entries, "refs/heads/gone").is_empty()
    );
    std::fs::write(scratch.path().join(".git/reftable/left-over.ref"), table).unwrap();
    let refs = assert_matches_git(&scratch);
    assert!(refs.other_names.contains("refs/heads/gone"));
    assert_eq!(log_lines(&refs.superseded_entries, "refs/heads/gone"), [format!("{first} by hand")]);
    scratch.write(".git/reftable/broken.ref", "REFT");
    assert_eq!(gap_lines(&read(&scratch.open())), ["reftable/broken.ref is too short for a reftable"]);
}

#[test]
#[cfg(unix)]
fn an_unlisted_file_with_an_unusual_name_is_a_gap_of_its_own() {
    let scratch = reftable_repository(&[]);
    scratch.commit("first");
    for name in [".hidden.ref", "line\nfeed.ref"] {
        scratch.write(&format!(".git/reftable/{name}"), "");
        let gaps = gap_lines(&read(&scratch.open()));
        assert_eq!(gaps, [format!("reftable/{name} is not read, because git gives no table such a name")]);
        std::fs::remove_file(scratch.path().join(".git/reftable").join(name)).unwrap();
    }
}

#[test]
fn leftovers_of_another_storage_format_are_not_refs() {
    let scratch = reftable_repository(&[]);
    let first = scratch.commit("first");
    scratch.write(".git/packed-refs", &format!("{first} refs/heads/packed\n"));
    scratch.write(".git/refs/tags/loose", &format!("{first}\n"));
    assert_matches_git(&scratch);
    let files = Scratch::new(&["--ref-format=files"]);
    files.write(".git/reftable/tables.list", "");
    assert!(gap_lines(&read(&files.open()))[0].starts_with("reftable not read"));
}

/// Tables with several blocks of each type, and the kind of their ids.
static VALID_TABLES: LazyLock<[(Vec<u8>, Kind); 2]> = LazyLock::new(|| {
    [("--object-format=sha1", Kind::Sha1), ("--object-format=sha256", Kind::Sha256)].map(|(format, kind)| {
        let scratch = reftable_repository(&[format]);
        let config = ["-c", "reftable.blockSize=1024"];
        fill_with_refs(&scratch, &config);
        scratch.git(&[&config[..], &["pack-refs", "--all"]].concat());
        (std::fs::read(&table_files(&scratch)[0]).unwrap(), kind)
    })
});

#[test]
fn a_valid_table_is_read_completely() {
    for (bytes, kind) in &*VALID_TABLES {
        // HEAD, `main`, a tag, and the rest; two log entries each for HEAD and `main`.
        let (refs, logs) = (1 + 1 + 1 + 1800, 4 + 500 + 100);
        assert_eq!(read_all(bytes, *kind), Some((refs, logs, true)));
        let without_footer = &bytes[..bytes.len() - 68];
        assert_eq!(read_all(without_footer, *kind).map(|(_, _, is_valid)| is_valid), Some(false));
    }
}

proptest! {
    /// Damage never panics, and a table never yields more refs than its bytes can hold.
    #[test]
    fn damaged_tables_are_read_as_far_as_possible(
        table in 0_usize..2,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        truncation in prop::option::of(any::<prop::sample::Index>()),
        has_valid_checksum in any::<bool>(),
    ) {
        let (bytes, kind) = &VALID_TABLES[table];
        let mut bytes = bytes.clone();
        for (position, byte) in &changes {
            let index = position.index(bytes.len());
            bytes[index] = *byte;
        }
        if let Some(truncation) = truncation {
            bytes.truncate(truncation.index(bytes.len()));
        }
        if has_valid_checksum && bytes.len() > 100 {
            // With a valid checksum, the rest of the footer is used.
            let footer = bytes.len() - if *kind == Kind::Sha1 { 68 } else { 72 };
            let header = bytes.len() - footer - 44;
            bytes.copy_within(0..header, footer);
            let end = bytes.len() - 4;
            let crc = libdeflater::crc32(&bytes[footer..end]);
            bytes[end..].copy_from_slice(&crc.to_be_bytes());
        }
        let outcome = read_all(&bytes, *kind);
        prop_assert!(outcome.is_none_or(|(refs, _, _)| refs <= bytes.len()));
        read_all(&bytes, if *kind == Kind::Sha1 { Kind::Sha256 } else { Kind::Sha1 });
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(tail in prop::collection::vec(any::<u8>(), 0..300), kind in any::<u8>()) {
        for header in [&b"REFT\x01\0\0\0"[..], b"REFT\x02\0\x01\0"] {
            let mut bytes = [header, &[0; 16]].concat();
            bytes.extend_from_slice(if header[4] == 2 { b"s256" } else { b"" });
            bytes.push([b'r', b'g', b'i', b'o'][usize::from(kind) % 4]);
            bytes.extend_from_slice(&tail);
            read_all(&bytes, Kind::Sha1);
            read_all(&bytes, Kind::Sha256);
        }
    }
}

/// A block of 16 MiB that compresses to a few kilobytes: many deletions of a single entry.
#[test]
fn a_small_table_cannot_exhaust_memory() {
    use std::io::Write as _;
    const LENGTH: usize = (1 << 24) - 1;
    let header = [&b"REFT\x01\0\0\0"[..], &[0; 16]].concat();
    // The whole key once; every other record shares all of it.
    let mut records = [&[0, 9 << 3][..], b"\0", &[0; 8], &[0]].concat();
    records.truncate(2 + 9);
    records.resize(LENGTH - 24 - 4 - 2, 9);
    records[11..].chunks_exact_mut(2).for_each(|record| record[1] = 0);
    // A record is two bytes.
    records.truncate(records.len() - (records.len() - 11) % 2);
    records.extend_from_slice(&[0, 0]);
    let length = ((records.len() + 28) as u32).to_be_bytes();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    deflate.write_all(&records).unwrap();
    let mut table = [&header[..], b"g", &length[1..], &deflate.finish().unwrap()].concat();
    let footer = [&header[..], &[0; 40]].concat();
    table.extend_from_slice(&footer);
    table.extend_from_slice(&libdeflater::crc32(&footer).to_be_bytes());
    assert!(table.len() < 20 << 10);
    assert!(read_all(&table, Kind::Sha1).is_some_and(|(_, logs, is_valid)| logs > 8_000_000 && is_valid));
    let scratch = reftable_repository(&[]);
    std::fs::write(&table_files(&scratch)[0], table).unwrap();
    assert!(gap_lines(&read(&scratch.open()))[0].starts_with("reftable inflates to more than"));
}
