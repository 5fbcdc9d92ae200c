//! Reads arbitrary bytes as a reftable: must reject it, or read as much as is valid, without a panic.

#![no_main]

use friskey::git::testing;
use libfuzzer_sys::fuzz_target;

/// Bytes of a reftable's footer, in the layout of version 1.
const FOOTER_LEN: usize = 40;

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let is_sha256 = mode & 1 == 1;
    // The fuzzer is unlikely to guess the header, and the checksum of the footer.
    let header: &[u8] = if is_sha256 { b"REFT\x02\0\x10\0" } else { b"REFT\x01\0\x10\0" };
    let mut table = [header, &[0; 16]].concat();
    table.extend_from_slice(if is_sha256 { b"s256" } else { b"" });
    let header = table.clone();
    table.extend_from_slice(rest);
    if mode & 2 == 2 && rest.len() >= FOOTER_LEN {
        let footer = table.len() - FOOTER_LEN;
        let body = [&header[..], &table[footer..]].concat();
        table.splice(footer..footer, header);
        table.extend_from_slice(&testing::crc32(&body).to_be_bytes());
    }
    if let Some((refs, logs, _)) = testing::reftable(&table, is_sha256) {
        // A ref takes at least three bytes, and so does a log entry, which Deflate compresses to 1/1032 at best.
        assert!(refs <= table.len() && logs <= table.len() * 1032, "{refs} refs and {logs} log entries");
    }
});
