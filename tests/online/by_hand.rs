//! Sets up a fake organization with a leaked key for a person at a terminal, to try whether the instructions that
//! friskey prints are enough to revoke the key.

use serde_json::json;

use crate::openai::FakeKey;
use crate::support::{LEAK_TIME, ProviderSetup, admin_key, key, service_key, user_key};

const DAY: i64 = 86_400;

/// `cargo test --test online -- --ignored --nocapture by_hand` prints the commands to begin with, and ends after an hour or
/// when the file `stop` is created in the directory that it names.
#[test]
#[ignore = "waits for a person"]
#[expect(clippy::print_stderr, reason = "a person reads it")]
fn a_person_tries_the_printed_instructions() {
    let setup = ProviderSetup::new();
    setup.add_key("key_Qm3vX9TdL2a", Some("proj_1"), &service_key(1), LEAK_TIME - 40 * DAY);
    setup.add_key("key_other", Some("proj_1"), &service_key(3), LEAK_TIME - 90 * DAY);
    setup.api.change(|state| {
        let days = (-7..6).map(|day| (LEAK_TIME + day * DAY, if day < 0 { 1.0 } else { 100.0 }));
        state.costs.insert("key_Qm3vX9TdL2a".to_owned(), days.collect());
        state.usage.insert(("images".to_owned(), "key_Qm3vX9TdL2a".to_owned()), 20);
        state.events.push(json!({"id": "audit_1", "type": "api_key.created", "effective_at": LEAK_TIME - 40 * DAY,
            "actor": {"type": "session", "session": {"user": {"email": "ada@example.org"}, "ip_address": "192.0.2.1"}},
            "api_key.created": {"id": "key_Qm3vX9TdL2a"}}));
        let old = state.keys[1].clone();
        state.next_key = Some(FakeKey { id: "key_new".to_owned(), value: service_key(2), ..old });
        state.lists_with_deleted_key = 2;
    });
    setup.write_report(&[&service_key(1), &key(7), &user_key(1)]);
    eprintln!(
        "cd {}\nexport SSL_CERT_FILE={} OPENAI_ADMIN_KEY={}\nfriskey verify report.json --host {}",
        setup.path("").display(),
        setup.api.authority().display(),
        admin_key(1),
        setup.api.host()
    );
    for _ in 0..36_000 {
        if setup.path("stop").exists() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}
