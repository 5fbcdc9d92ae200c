//! Tests Ctrl-C during `friskey revoke`: what was begun is undone or reported.

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::openai::Fault;
use crate::support::{Scene, admin_key, said};

fn start(scene: &Scene, more: &[&str]) -> Child {
    let mut friskey = scene.command(env!("CARGO_BIN_EXE_friskey"));
    friskey.args(["revoke", "report.json", "--yes", "key_1", "--host", &scene.api.host()]).args(more);
    friskey.env("SSL_CERT_FILE", scene.api.authority()).env("OPENAI_ADMIN_KEY", admin_key(1));
    friskey.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn press(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Whether the fake has got a request of this kind.
fn has_seen(scene: &Scene, method: &str) -> bool {
    scene.api.seen().iter().any(|seen| seen.method == method)
}

fn end(child: Child) -> Output {
    let started = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(started.elapsed() < Duration::from_secs(60), "{}", said(&output));
    output
}

#[test]
fn a_new_key_that_is_not_in_its_store_is_deleted_again() {
    let scene = Scene::replaceable();
    let child = start(&scene, &["--replace", "--to", "sh -c 'touch started; exec sleep 100'"]);
    until("the program starts", || scene.path("started").exists());
    press(&child);
    let output = end(child);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    for part in ["created the new key key_new", "was interrupted", "the new key key_new was deleted again"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
    let state = scene.api.state.lock().unwrap();
    let ids: Vec<&str> = state.keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["key_admin", "key_1"]);
}

#[test]
fn a_deletion_that_was_sent_is_called_submitted() {
    let scene = Scene::replaceable();
    scene.api.set(|state| state.lag = 9_999);
    let child = start(&scene, &["--wait", "600"]);
    until("the deletion arrives", || has_seen(&scene, "DELETE"));
    press(&child);
    let output = end(child);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("submitted: key_1 is still listed"), "{}", said(&output));
}

#[test]
fn a_second_interrupt_ends_at_once_and_says_what_is_left() {
    let scene = Scene::replaceable();
    scene.api.fault("/api_keys/key_1", Fault::Silence(Duration::from_secs(100)), 1);
    let mut child = start(&scene, &["--timeout", "90"]);
    until("the deletion arrives", || has_seen(&scene, "DELETE"));
    press(&child);
    let mut printed = Vec::new();
    let mut stderr = child.stderr.take().unwrap();
    until("the first interrupt is noticed", || {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        printed.extend(byte);
        printed.ends_with(b"press Ctrl-C again to exit immediately")
    });
    press(&child);
    let output = end(child);
    stderr.read_to_end(&mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert_eq!(output.status.code(), Some(3), "{printed}");
    assert!(
        printed.contains("submitted: the deletion of key_1 was sent; treat the key as live"),
        "{printed}"
    );
}
