//! Sets up an organization with a leaked key for a person at a terminal, who contains the leak with only what friskey prints.

use serde_json::json;

use crate::openai::FakeKey;
use crate::support::{LEAKED, Scene, admin_key, key, service_key, user_key};

const DAY: i64 = 86_400;

/// `cargo test --test online -- --ignored --nocapture by_hand` prints how to begin, and ends when the file `stop` is
/// made in the directory that it names.
#[test]
#[ignore = "waits for a person"]
#[expect(clippy::print_stderr, reason = "a person reads it")]
fn the_fake_waits_to_be_tried() {
    let scene = Scene::new();
    scene.add("key_Qm3vX9TdL2a", Some("proj_1"), &service_key(1), LEAKED - 40 * DAY);
    scene.add("key_other", Some("proj_1"), &service_key(3), LEAKED - 90 * DAY);
    scene.api.set(|state| {
        let days = (-7..6).map(|day| (LEAKED + day * DAY, if day < 0 { 1.0 } else { 100.0 }));
        state.costs.insert("key_Qm3vX9TdL2a".to_owned(), days.collect());
        state.usage.insert(("images".to_owned(), "key_Qm3vX9TdL2a".to_owned()), 20);
        state.events.push(json!({"id": "audit_1", "type": "api_key.created", "effective_at": LEAKED - 40 * DAY,
            "actor": {"type": "session", "session": {"user": {"email": "ada@example.org"}, "ip_address": "192.0.2.1"}},
            "api_key.created": {"id": "key_Qm3vX9TdL2a"}}));
        let old = state.keys[1].clone();
        state.next_key = Some(FakeKey { id: "key_new".to_owned(), value: service_key(2), ..old });
        state.lag = 2;
    });
    scene.report(&[&service_key(1), &key(7), &user_key(1)]);
    eprintln!(
        "cd {}\nexport SSL_CERT_FILE={} OPENAI_ADMIN_KEY={}\nfriskey verify report.json --host {}",
        scene.path("").display(),
        scene.api.authority().display(),
        admin_key(1),
        scene.api.host()
    );
    for _ in 0..36_000 {
        if scene.path("stop").exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}
