//! Tests Ctrl-C during `friskey revoke`: changes that were begun are undone or reported.

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::openai::Fault;
use crate::support::{ProviderSetup, admin_key, printed_text};

/// Starts the deletion of `key_1`.
fn start_revoke(setup: &ProviderSetup, options: &[&str]) -> Child {
    let mut friskey = setup.command(env!("CARGO_BIN_EXE_friskey"));
    friskey.args(["revoke", "report.json", "--yes", "key_1", "--host", &setup.api.host()]).args(options);
    friskey.env("SSL_CERT_FILE", setup.api.authority()).env("OPENAI_ADMIN_KEY", admin_key(1));
    friskey.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until `has_happened`; panics after a minute.
fn wait_until(event: &str, mut has_happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !has_happened() {
        assert!(started.elapsed() < Duration::from_secs(60), "waited in vain until {event}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends the signal of Ctrl-C.
fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Whether the fake has received a request with this method.
fn has_received(setup: &ProviderSetup, method: &str) -> bool {
    setup.api.requests().iter().any(|request| request.method == method)
}

/// Waits until friskey ends; panics if that takes more than a minute.
fn wait_for_output(child: Child) -> Output {
    let started = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(60), "{}", printed_text(&output));
    output
}

#[test]
fn a_new_key_is_deleted_if_the_program_that_stores_it_is_interrupted() {
    let setup = ProviderSetup::with_replaceable_key();
    let child = start_revoke(&setup, &["--replace", "--to", "sh -c 'touch started; exec sleep 100'"]);
    wait_until("the program starts", || setup.path("started").exists());
    interrupt(&child);
    let output = wait_for_output(child);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    for part in ["created the new key key_new", "was interrupted", "the new key key_new was deleted again"] {
        assert!(printed_text(&output).contains(part), "{part}: {}", printed_text(&output));
    }
    let state = setup.api.state.lock().unwrap();
    let ids: Vec<&str> = state.keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["key_admin", "key_1"]);
}

#[test]
fn an_interrupted_deletion_is_called_submitted() {
    let setup = ProviderSetup::with_replaceable_key();
    setup.api.change(|state| state.lists_with_deleted_key = 9_999);
    let child = start_revoke(&setup, &["--wait", "600"]);
    wait_until("the deletion arrives", || has_received(&setup, "DELETE"));
    interrupt(&child);
    let output = wait_for_output(child);
    assert_eq!(output.status.code(), Some(3), "{}", printed_text(&output));
    assert!(printed_text(&output).contains("submitted: key_1 is still listed"), "{}", printed_text(&output));
}

#[test]
fn a_second_interrupt_ends_the_run_at_once_with_the_state_of_the_key() {
    let setup = ProviderSetup::with_replaceable_key();
    setup.api.add_fault("/api_keys/key_1", Fault::Silence(Duration::from_secs(100)), 1);
    let mut child = start_revoke(&setup, &["--timeout", "90"]);
    wait_until("the deletion arrives", || has_received(&setup, "DELETE"));
    interrupt(&child);
    let mut printed = Vec::new();
    let mut stderr = child.stderr.take().unwrap();
    wait_until("the first interrupt is noticed", || {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        printed.extend(byte);
        printed.ends_with(b"press Ctrl-C again to exit immediately")
    });
    interrupt(&child);
    let output = wait_for_output(child);
    stderr.read_to_end(&mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert_eq!(output.status.code(), Some(3), "{printed}");
    assert!(
        printed.contains("submitted: the deletion of key_1 was sent; treat the key as live"),
        "{printed}"
    );
}
