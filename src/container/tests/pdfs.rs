//! PDFs against what they show.

use std::io::Write;

use proptest::prelude::*;

use super::kit::{noise, opened};
use super::zips::{Entry, zip};

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

fn object(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("1 0 obj\n<< /Length {} {dictionary} >>\nstream\r\n", data.len());
    [head.as_bytes(), data, b"\nendstream\nendobj\n"].concat()
}

fn pdf(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let tail = format!("trailer\n<< /Root 1 0 R {trailer} >>\n%%EOF\n");
    [b"%PDF-1.7\n", &objects.concat()[..], tail.as_bytes()].concat()
}

#[test]
fn deflated_streams_are_contents() {
    let objects = [
        object("/Filter /FlateDecode", &zlib(b"first")),
        object("/Filter/FlateDecode", &zlib(b"second")),
        object("/Filter [ /FlateDecode /DCTDecode ]", &zlib(b"third")),
        object("/Filter[/Fl]/DecodeParms<</Predictor 12>>", &zlib(b"fourth")),
        object("/Type /XObject", b"plain, and endstream >>stream of it"),
        object("/Filter /DCTDecode", &zlib(b"a picture")),
        object("/Filter [/ASCII85Decode /FlateDecode]", b"not undone"),
    ];
    let taken = opened("a.pdf", &pdf(&objects, ""));
    let contents: Vec<&[u8]> = taken.contents.iter().map(|(_, content)| &content[..]).collect();
    assert_eq!(contents[..4], [&b"first"[..], b"second", b"third", b"fourth"]);
    // What is deflated is inflated, whatever its dictionary says.
    assert_eq!((contents[4], contents.len()), (&b"a picture"[..], 6));
    assert!(taken.contents[0].0.starts_with("stream at byte "), "{}", taken.contents[0].0);
    assert!(taken.reasons().contains("1 streams with filters that cannot"), "{}", taken.reasons());
    assert_eq!(taken.skipped.len(), 1);
}

#[test]
fn pieces_of_a_word_are_put_together() {
    let page = b"BT /F1 12 Tf [(one)-12(-and)3.5(-two) -400 (next)] TJ (whole) Tj \
                 (esc\\141pe\\)d \\(\\\nx) Tj <736b2d 6b657> Tj << /MCID 1 >> ET";
    let taken = opened("a.pdf", &pdf(&[object("/Filter /FlateDecode", &zlib(page))], ""));
    let text = taken.contents.iter().find(|(name, _)| name.ends_with(", text")).unwrap();
    let text = String::from_utf8_lossy(&text.1);
    assert_eq!(text, "one-and-two next\nescape)d (x\nsk-ke\n");
    assert!(taken.skipped.is_empty());
    // What stands in one piece is found as it stands.
    let plain = opened("a.pdf", &pdf(&[object("/Filter /FlateDecode", &zlib(b"BT (whole) Tj ET"))], ""));
    assert_eq!(plain.contents.len(), 2);
}

#[test]
fn a_locked_file_says_so() {
    let objects = [object("/Filter /FlateDecode", &noise(1, 500))];
    let taken = opened("a.pdf", &pdf(&objects, "/Encrypt 5 0 R"));
    assert_eq!(taken.reasons(), ": encrypted\n");
    let open = opened("a.pdf", &pdf(&[], "/EncryptMetadata false"));
    assert!(open.skipped.is_empty());
}

#[test]
fn damaged_streams_bring_what_inflates() {
    let long = [&noise(1, 200_000)[..], b"tail"].concat();
    let mut objects =
        [object("/Filter /FlateDecode", &zlib(&long)), object("/Filter /FlateDecode", &zlib(b"b"))];
    objects[0].truncate(150_000);
    let taken = opened("a.pdf", &pdf(&objects, ""));
    let contents = &taken.contents;
    assert!(contents[0].1.len() > 100_000 && long.starts_with(&contents[0].1[..100_000]));
    assert!(contents.iter().any(|(_, content)| content == b"b"), "{}", taken.reasons());
    assert!(taken.reasons().contains("what came before"), "{}", taken.reasons());
}

#[test]
fn what_is_a_zip_as_well_is_opened_as_both() {
    let document = pdf(&[object("/Filter /FlateDecode", &zlib(b"page"))], "");
    let taken = opened("a.pdf", &[document, zip(&[Entry::new("b", 8, b"packed")])].concat());
    assert_eq!(taken.content("b"), b"packed");
    assert!(taken.contents.iter().any(|(_, content)| content == b"page"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn nothing_upsets_it(
        page in "[()<>\\\\\\[\\]a-f0-9 .TJj-]{0,200}",
        cut in any::<prop::sample::Index>(),
        change in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        let page = format!("BT {page}");
        let mut document = pdf(&[object("/Filter /FlateDecode", &zlib(page.as_bytes()))], "");
        opened("a.pdf", &document);
        let at = change.index(document.len());
        document[at] = to;
        document.truncate(cut.index(document.len()) + 1);
        prop_assert!(opened("a.pdf", &document).bytes < 1 << 20);
    }
}
