//! Sends leaked keys to the provider, and merges their results with the result of comparing them with the listed keys.

use std::thread;
use std::time::Duration;

use super::leaks::LeakedKey;
use crate::model::{KeyVerdict, Secret, Verification};
use crate::provider::{ApiKey, Client, ProbeResult, probe, whoami};

/// Kinds of keys that can be sent as they are.
const SENT_KINDS: [&str; 5] = ["project", "service-account", "admin", "user", "service"];

/// Sends the leaked keys to the provider. A rejection is believed only if it is repeated after `pause`.
pub(super) fn send_keys(
    client: &Client,
    leaks: &mut [(LeakedKey, Verification)],
    secret: impl Fn(&LeakedKey) -> Option<Secret>,
    (with_whoami, pause): (bool, Duration),
) {
    let mut rejected = Vec::new();
    for (index, (leak, verification)) in leaks.iter_mut().enumerate() {
        let kind = leak.shape.kind.as_str();
        if !SENT_KINDS.contains(&kind) {
            verification.notes.push(format!("not sent: a key of the kind `{kind}` cannot be tried"));
            continue;
        }
        // A custom rule may use such a kind for anything.
        let secret = secret(leak).filter(|secret| secret.reveal().starts_with(b"sk-"));
        let Some(key) = secret.and_then(|secret| ApiKey::new(secret.reveal())) else {
            verification
                .notes
                .push("not sent: the key was not found again; name its repository with --repo".to_owned());
            continue;
        };
        verification.key_sent = true;
        let probe_result = probe(client, &key, kind == "admin");
        if probe_result.verdict == KeyVerdict::Dead {
            rejected.push((index, key));
            continue;
        }
        if with_whoami && probe_result.verdict.is_live() {
            match whoami(client, &key) {
                Ok(lines) => verification.whoami = lines,
                Err(error) => verification.notes.push(format!("who owns the key: {error}")),
            }
        }
        merge_probe_result(verification, probe_result);
    }
    if !rejected.is_empty() {
        thread::sleep(pause);
    }
    for (index, key) in rejected {
        let (leak, verification) = &mut leaks[index];
        let second_result = probe(client, &key, leak.shape.kind == "admin");
        let probe_result = match second_result.verdict {
            KeyVerdict::Dead => {
                ProbeResult { reason: format!("{} twice", second_result.reason), ..second_result }
            }
            KeyVerdict::Unknown => ProbeResult {
                reason: format!("rejected once, but not again ({})", second_result.reason),
                ..second_result
            },
            _ => second_result,
        };
        merge_probe_result(verification, probe_result);
    }
}

/// Merges the result of sending the key with the result from the list.
fn merge_probe_result(verification: &mut Verification, probe_result: ProbeResult) {
    if verification.verdict == KeyVerdict::Live && probe_result.verdict == KeyVerdict::Dead {
        verification.notes.push(format!(
            "sent to the provider, the key was rejected ({}), but the organization still lists a match; one of the two is \
             out of date or about another key",
            probe_result.reason
        ));
        verification.verdict = KeyVerdict::Unknown;
        verification.reason = "list and response contradict each other".to_owned();
        return;
    }
    let adds_nothing =
        probe_result.verdict == KeyVerdict::Unknown && verification.verdict != KeyVerdict::Unknown;
    if adds_nothing {
        verification.notes.push(format!("sent to the provider: {}", probe_result.reason));
        return;
    }
    let list_reason = std::mem::take(&mut verification.reason);
    verification.reason = if list_reason.is_empty() {
        probe_result.reason
    } else {
        format!("{}; {list_reason}", probe_result.reason)
    };
    verification.verdict = probe_result.verdict;
    verification.works_at = probe_result.works_at;
}
