//! Tests Git LFS pointers: content that is present is searched and its hash verified, and missing content is named.

use crate::support::{Scratch, report};

fn pointer(oid: &str, size: usize) -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
}

#[test]
fn scan_names_a_pointer_whose_content_is_missing() {
    let scratch = Scratch::new();
    scratch.write("t/model.bin", pointer(&"ab".repeat(32), 5_000_000));
    let output = scratch.friskey("t", &["scan", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let report = report(&output);
    let ignored = &report["coverage"]["ignored"][0];
    assert_eq!(ignored["what"], "the Git LFS content of model.bin", "{report:#}");
    assert_eq!(ignored["include_with"], "git lfs pull");
}

#[test]
fn stored_content_with_another_hash_than_the_pointer_is_reported() {
    let scratch = Scratch::new();
    scratch.repository("r");
    let oid = "ab".repeat(32);
    scratch.write(&format!("r/.git/lfs/objects/ab/ab/{oid}"), "other bytes");
    scratch.write("r/model.bin", pointer(&oid, "other bytes".len()));
    scratch.git("r", &["add", "-A"]);
    for command in ["staged", "history"] {
        if command == "history" {
            scratch.commit("r", "add");
        }
        let output = scratch.friskey("r", &[command, "--format", "json"]);
        assert_eq!(output.status.code(), Some(3), "{command}");
        let skipped = report(&output)["coverage"]["skipped"].to_string();
        assert!(skipped.contains("its SHA-256 is not the one in the pointer"), "{command}: {skipped}");
    }
}
