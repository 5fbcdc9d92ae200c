//! Sparse files in tars, in every format of GNU tar.

use super::kit::*;

/// The parts of a file with holes: a gzip file of more than two blocks.
struct SparseFile {
    whole: Vec<u8>,
    pieces: Vec<(usize, usize)>,
}

impl SparseFile {
    /// A tar of a compressed file that is long enough to be read only with the file of zeros before it, and of that file. Some
    /// of the zeros are a hole.
    fn new(hole: usize) -> Self {
        let mut whole = tar(&[("zeros", &vec![0; hole + 1024]), ("inner.gz", &gzip(b"packed"))]);
        whole.truncate(whole.len() - 1024);
        let pieces = vec![(0, 1024), (1024 + hole, whole.len() - 1024 - hole)];
        whole.extend([0; 1024]);
        Self { whole, pieces }
    }

    fn numbers(&self) -> Vec<usize> {
        self.pieces.iter().flat_map(|&(offset, length)| [offset, length]).collect()
    }

    fn data(&self) -> Vec<u8> {
        self.pieces
            .iter()
            .flat_map(|&(offset, length)| &self.whole[offset..offset + length])
            .copied()
            .collect()
    }

    /// Tars of the file in the formats 1.0, 0.1, 0.0, and that of old GNU tars.
    fn packed(&self) -> Vec<Vec<u8>> {
        let (numbers, size) = (self.numbers(), self.whole.len());
        let list = |separator| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(separator);
        let count = self.pieces.len();
        let mut map = format!("{count}\n{}\n", list("\n")).into_bytes();
        map.resize(map.len().next_multiple_of(512), 0);
        let pax = |records: &[(&str, String)], data: &[u8]| {
            let attributes: String = records.iter().map(|(key, value)| record(key, value)).collect();
            let header = tar_entry(b"PaxHeaders/x", b'x', attributes.as_bytes());
            [header, tar(&[("GNUSparseFile.1/name", data)])].concat()
        };
        let name = || ("GNU.sparse.name", "name".to_owned());
        let number = |key, number: usize| (key, number.to_string());
        let pairs = numbers
            .chunks(2)
            .flat_map(|pair| [number("GNU.sparse.offset", pair[0]), number("GNU.sparse.numbytes", pair[1])]);
        let with_pairs = [number("GNU.sparse.size", size), number("GNU.sparse.numblocks", count)]
            .into_iter()
            .chain(pairs)
            .chain([("path", "name".to_owned())]);
        vec![
            pax(
                &[
                    number("GNU.sparse.major", 1),
                    number("GNU.sparse.minor", 0),
                    name(),
                    number("GNU.sparse.realsize", size),
                ],
                &[map, self.data()].concat(),
            ),
            pax(
                &[
                    number("GNU.sparse.size", size),
                    number("GNU.sparse.numblocks", count),
                    name(),
                    ("GNU.sparse.map", list(",")),
                ],
                &self.data(),
            ),
            pax(&with_pairs.collect::<Vec<_>>(), &self.data()),
            self.old_packed(),
        ]
    }

    fn old_packed(&self) -> Vec<u8> {
        let field = |number: &usize| format!("{number:011o}\0").into_bytes();
        let fields: Vec<u8> = self.numbers().iter().flat_map(field).collect();
        let (first, more) = fields.split_at(fields.len().min(4 * 24));
        let mut header: [u8; 512] = *tar_entry(b"name", b'S', b"").first_chunk().unwrap();
        header[124..136].copy_from_slice(&field(&self.data().len()));
        header[386..386 + first.len()].copy_from_slice(first);
        header[482] = u8::from(!more.is_empty());
        header[483..495].copy_from_slice(&field(&self.whole.len()));
        let mut packed = with_checksum(header).to_vec();
        for (index, block) in more.chunks(21 * 24).enumerate() {
            packed.extend(block);
            packed.resize(packed.len().next_multiple_of(512), 0);
            *packed.last_mut().unwrap() = 0;
            let at = packed.len() - 8;
            packed[at] = u8::from((index + 1) * 21 * 24 < more.len());
        }
        packed.extend(self.data());
        packed.resize(packed.len().next_multiple_of(512) + 1024, 0);
        packed
    }
}

fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let length = (1..6).map(|digits| rest + digits).find(|length| length.to_string().len() == length - rest);
    format!("{} {key}={value}\n", length.unwrap())
}

#[test]
fn a_container_in_a_sparse_file_is_opened_with_its_holes() {
    for hole in [0, 512, 1 << 20, 9 << 20] {
        let file = SparseFile::new(hole);
        for packed in file.packed() {
            let extraction = extract("t", &packed);
            assert_eq!(extraction.content("name > inner.gz > inner"), b"packed");
            assert!(extraction.content("name") == &file.whole[..file.whole.len().min(4 << 20)]);
            assert!(extraction.skipped.is_empty(), "{:?}", extraction.skipped);
            let delegated = extraction.delegated.iter().find(|(name, _)| name.is_empty()).unwrap();
            let range = delegated.1[0].clone();
            assert!(packed[range.start as usize..range.end as usize] == file.data());
        }
    }
}

#[test]
fn a_compressed_file_with_many_pieces_is_opened() {
    let whole = gzip(&[&noise(1, 20_000)[..], b"packed"].concat());
    let pieces = (0..whole.len()).step_by(512).map(|start| (start, 512.min(whole.len() - start))).collect();
    let file = SparseFile { whole, pieces };
    for packed in file.packed() {
        let extraction = extract("t", &packed);
        assert!(extraction.content("name > content").ends_with(b"packed"));
        assert!(extraction.skipped.is_empty(), "{:?}", extraction.skipped);
    }
}

#[test]
fn holes_that_are_too_long_are_left_out_and_reported_for_a_container() {
    let mut file = SparseFile::new(512);
    let end = 1u64 << 40;
    for (start, is_container) in [(&file.data()[..], true), (b"text", false)] {
        let attributes = [
            record("GNU.sparse.size", &end.to_string()),
            record("GNU.sparse.map", &format!("0,{},{end},0", start.len())),
        ];
        let packed =
            [tar_entry(b"p", b'x', attributes.concat().as_bytes()), tar(&[("name", start)])].concat();
        let extraction = extract("t", &packed);
        assert_eq!(extraction.content("name"), start);
        assert_eq!(extraction.reasons().contains("opened without its holes"), is_container);
    }
    file.pieces.clear();
    assert!(extract("t", &file.packed()[0]).skipped.is_empty());
}

#[test]
fn a_damaged_map_is_reported_and_the_data_is_handed_over_with_it() {
    let file = SparseFile::new(512);
    for (position, packed) in file.packed().into_iter().enumerate() {
        let (text, digit): (&[u8], usize) =
            [(&b"2\n0\n"[..], 2), (b"map=0,", 4), (b"offset=0", 7), (b"00000000000\0", 0)][position];
        let at = packed.windows(text.len()).rposition(|window| window == text).unwrap();
        let mut damaged = packed.clone();
        damaged[at + digit] = b'x';
        if position == 3 {
            let mut header: [u8; 512] = *damaged.first_chunk().unwrap();
            header[386..398].copy_from_slice(b"77777777777\0");
            damaged = [&with_checksum(header)[..], &packed[512..]].concat();
        }
        let extraction = extract("t", &damaged);
        assert!(
            extraction.reasons().contains("whose map is damaged"),
            "{position}: {}",
            extraction.reasons()
        );
        let content = extraction.content("name");
        assert!(content.ends_with(&file.data()), "{position}");
    }
}
