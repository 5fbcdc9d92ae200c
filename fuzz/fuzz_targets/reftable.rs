//! Reads arbitrary bytes as a reftable: must reject it, or read as much as is valid, without a panic.

#![no_main]

use friskey::git::testing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else { return };
    let is_sha256 = mode & 1 == 1;
    // No fuzzer guesses a magic number and a checksum.
    let header: &[u8] = if is_sha256 { b"REFT\x02\0\x10\0" } else { b"REFT\x01\0\x10\0" };
    let mut table = [header, &[0; 16]].concat();
    table.extend_from_slice(if is_sha256 { b"s256" } else { b"" });
    let header = table.clone();
    table.extend_from_slice(rest);
    if mode & 2 == 2 && rest.len() >= 40 {
        let footer = table.len() - 40;
        let body = [&header[..], &table[footer..]].concat();
        table.splice(footer..footer, header);
        table.extend_from_slice(&testing::crc32(&body).to_be_bytes());
    }
    if let Some((refs, logs, _)) = testing::reftable(&table, is_sha256) {
        // A ref takes three bytes, an entry as many, of which a byte was made at least one in 1032.
        assert!(refs <= table.len() && logs <= table.len() * 1032);
    }
});
