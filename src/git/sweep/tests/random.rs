//! Compares sweeps of random histories that git packed with searching every object completely.

use proptest::prelude::*;

use super::kit::{Repo, text};

/// An edit of a file, independent of lines and matches.
#[derive(Clone, Debug)]
enum Edit {
    Remove(usize, usize),
    Move(usize, usize, usize),
    Double(usize, usize, usize),
    Insert(usize, Vec<u8>),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let within = |at: usize, len: usize| at % (len + 1);
        match self {
            Self::Insert(at, new) => {
                let at = within(*at, bytes.len());
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Remove(at, len) => {
                let at = within(*at, bytes.len());
                bytes.drain(at..bytes.len().min(at + len % 200));
            }
            Self::Move(at, len, to) => {
                let at = within(*at, bytes.len());
                let part: Vec<_> = bytes.drain(at..bytes.len().min(at + len % 200)).collect();
                let to = within(*to, bytes.len());
                bytes.splice(to..to, part);
            }
            Self::Double(at, len, to) => {
                let at = within(*at, bytes.len());
                let part = bytes[at..bytes.len().min(at + len % 200)].to_vec();
                let to = within(*to, bytes.len());
                bytes.splice(to..to, part);
            }
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<usize>;
    let letters = || prop::collection::vec(prop::sample::select(b"Kabc\n".to_vec()), 1..12);
    prop_oneof![
        (at(), at()).prop_map(|(at, len)| Edit::Remove(at, len)),
        (at(), at(), at()).prop_map(|(at, len, to)| Edit::Move(at, len, to)),
        (at(), at(), at()).prop_map(|(at, len, to)| Edit::Double(at, len, to)),
        (at(), letters()).prop_map(|(at, new)| Edit::Insert(at, new)),
    ]
}

/// Input for `git fast-import`: each commit edits one of three files.
fn history(commits: &[(usize, Vec<Edit>)]) -> Vec<u8> {
    let mut files = [text(1, 120), text(2, 40), text(3, 400)];
    let mut stream = Vec::new();
    for (number, (file, edits)) in commits.iter().enumerate() {
        let bytes = &mut files[file % 3];
        edits.iter().for_each(|edit| edit.apply(bytes));
        let message = format!("Kabb {number}");
        stream.extend(
            format!(
                "commit refs/heads/main\ncommitter Kaa <a@b> {number} +0000\ndata {}\n{message}\n",
                message.len()
            )
            .into_bytes(),
        );
        stream.extend(
            format!("M 100644 inline dir{}/Kaab{}.txt\ndata {}\n", file % 2, file % 3, bytes.len())
                .into_bytes(),
        );
        stream.extend_from_slice(bytes);
        stream.push(b'\n');
    }
    stream.extend(b"tag v1\nfrom refs/heads/main\ntagger Kbb <a@b> 9 +0000\ndata 7\nKab tag\n");
    stream
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..Default::default() })]

    #[test]
    fn random_histories_have_the_same_matches_in_delta_space(
        commits in prop::collection::vec((any::<usize>(), prop::collection::vec(edit(), 1..6)), 1..60),
        depth in 1usize..60,
        reuse in any::<bool>(),
    ) {
        let repo = Repo::new();
        repo.git_with(["fast-import", "--quiet"], &history(&commits));
        if !reuse {
            repo.git(["repack", "-adfq", &format!("--depth={depth}"), "--window=20"]);
        }
        repo.check();
    }
}
