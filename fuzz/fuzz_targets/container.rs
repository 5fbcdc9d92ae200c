//! Any bytes, as whatever they look like: never a panic, and no more than the limits allow.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| friskey_fuzz::check(bytes));
