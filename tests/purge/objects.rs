//! Writes git objects without git, reads them with git, and parses their bytes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use friskey::git::{HashKind, ObjectKind, object_id};

use crate::git;
use crate::support::Scratch;

/// The kind and the bytes of objects, by id.
pub(crate) type Objects = BTreeMap<String, (String, Vec<u8>)>;

/// Writes loose objects.
pub(crate) struct ObjectWriter {
    pub(crate) git_dir: PathBuf,
    pub(crate) hash: HashKind,
}

impl ObjectWriter {
    /// Writes an object and returns its id.
    pub(crate) fn write(&self, kind: ObjectKind, bytes: &[u8]) -> String {
        let id = object_id(kind, bytes, self.hash).unwrap().to_string();
        let dir = self.git_dir.join("objects").join(&id[..2]);
        let path = dir.join(&id[2..]);
        if !path.exists() {
            std::fs::create_dir_all(dir).unwrap();
            let mut encoder = ZlibEncoder::new(std::fs::File::create(path).unwrap(), Compression::fast());
            write!(encoder, "{kind} {}\0", bytes.len()).unwrap();
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap();
        }
        id
    }
}

/// Every object of the bare repository `name`, reachable or not.
pub(crate) fn all(scratch: &Scratch, name: &str) -> Objects {
    let batch = ["cat-file", "--batch-all-objects", "--batch", "--unordered"];
    let output = git::stdout(scratch.command("git", name).args(batch), b"");
    let mut objects = Objects::new();
    let mut rest = &output[..];
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap();
        let header = String::from_utf8(rest[..end].to_vec()).unwrap();
        let [id, kind, size] = header.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let size: usize = size.parse().unwrap();
        let bytes = rest[end + 1..][..size].to_vec();
        objects.insert(id.to_owned(), (kind.to_owned(), bytes));
        rest = &rest[end + 1 + size + 1..];
    }
    objects
}

/// The object id of each ref of the repository `name`, by full name.
pub(crate) fn refs(scratch: &Scratch, name: &str) -> BTreeMap<String, String> {
    let lines = scratch.git(name, &["for-each-ref", "--format=%(refname) %(objectname)"]);
    let pair = |line: &str| line.rsplit_once(' ').map(|(name, id)| (name.to_owned(), id.to_owned()));
    lines.lines().filter_map(pair).collect()
}

/// An entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TreeEntry {
    pub(crate) mode: String,
    pub(crate) name: Vec<u8>,
    pub(crate) id: String,
}

impl TreeEntry {
    pub(crate) fn is_submodule(&self) -> bool {
        self.mode == "160000"
    }

    /// The bytes by which git sorts entries.
    fn sort_key(&self) -> Vec<u8> {
        if self.mode == "40000" { [&self.name[..], b"/"].concat() } else { self.name.clone() }
    }
}

pub(crate) fn tree_entries(bytes: &[u8], id_len: usize) -> Vec<TreeEntry> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let space = rest.iter().position(|&byte| byte == b' ').unwrap();
        let nul = rest.iter().position(|&byte| byte == 0).unwrap();
        let id = &rest[nul + 1..][..id_len];
        entries.push(TreeEntry {
            mode: String::from_utf8(rest[..space].to_vec()).unwrap(),
            name: rest[space + 1..nul].to_vec(),
            id: friskey::model::hex(id),
        });
        rest = &rest[nul + 1 + id_len..];
    }
    entries
}

pub(crate) fn tree_bytes(mut entries: Vec<TreeEntry>) -> Vec<u8> {
    entries.sort_by_key(TreeEntry::sort_key);
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(entry.mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(&entry.name);
        bytes.push(0);
        let digits: Vec<u8> = entry.id.bytes().collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        bytes.extend(digits.chunks(2).map(byte));
    }
    bytes
}

/// The header fields of a commit or tag, with continuation lines joined, and the message.
pub(crate) fn header_and_message(bytes: &[u8]) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len() - 1);
    let message = bytes.get(end + 2..).unwrap_or_default().to_vec();
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    for line in bytes[..end].split(|&byte| byte == b'\n') {
        if let (Some(rest), Some((_, value))) = (line.strip_prefix(b" "), fields.last_mut()) {
            value.push(b'\n');
            value.extend_from_slice(rest);
            continue;
        }
        let space = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let name = String::from_utf8(line[..space].to_vec()).unwrap();
        fields.push((name, line.get(space + 1..).unwrap_or_default().to_vec()));
    }
    (fields, message)
}

/// The ids to which an object refers, except for those of submodules.
pub(crate) fn links(kind: &str, bytes: &[u8], id_len: usize) -> Vec<String> {
    match kind {
        "tree" => {
            let entries = tree_entries(bytes, id_len).into_iter();
            entries.filter(|entry| !entry.is_submodule()).map(|entry| entry.id).collect()
        }
        "commit" | "tag" => {
            let names = ["tree", "parent", "object"];
            let fields = header_and_message(bytes).0.into_iter();
            let ids = fields.filter(|(name, _)| names.contains(&&**name));
            ids.map(|(_, id)| String::from_utf8(id).unwrap()).collect()
        }
        _ => Vec::new(),
    }
}
