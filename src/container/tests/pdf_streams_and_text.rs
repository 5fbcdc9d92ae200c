//! Tests of PDFs: their streams, and the text of their pages.

use std::io::Write;

use proptest::prelude::*;

use super::kit::{extract, extract_within, gzip, noise};
use super::zip_entries::{Entry, zip};
use crate::container::Limits;

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
        object("/Filter 77 0 R", b"not undone"),
        object("/Filter /FlateDecode", b""),
    ];
    let extraction = extract("a.pdf", &pdf(&objects, ""));
    let contents: Vec<&[u8]> = extraction.contents.iter().map(|(_, content)| &content[..]).collect();
    assert_eq!(contents[..4], [&b"first"[..], b"second", b"third", b"fourth"]);
    // Deflate data is inflated, whatever the dictionary says.
    assert_eq!((contents[4], contents.len()), (&b"a picture"[..], 6));
    assert!(extraction.contents[0].0.starts_with("stream at byte "), "{}", extraction.contents[0].0);
    assert!(extraction.reasons().contains("1 streams with unsupported filters"), "{}", extraction.reasons());
    assert_eq!(extraction.skipped.len(), 1);
}

#[test]
fn parts_of_a_word_are_joined() {
    let page = b"BT /F1 12 Tf [(one)-12(-and)3.5(-two) -400 (next)] TJ (whole) Tj \
                 (esc\\141pe\\)d \\(\\\nx) Tj <736b2d 6b657> Tj << /MCID 1 >> ET";
    let extraction = extract("a.pdf", &pdf(&[object("/Filter /FlateDecode", &zlib(page))], ""));
    let text = extraction.contents.iter().find(|(name, _)| name.ends_with(", text")).unwrap();
    let text = String::from_utf8_lossy(&text.1);
    assert_eq!(text, "one-and-two next\nescape)d (x\nsk-ke\n");
    assert!(extraction.skipped.is_empty());
    // Unsplit text is found in the page itself.
    let plain = extract("a.pdf", &pdf(&[object("/Filter /FlateDecode", &zlib(b"BT (whole) Tj ET"))], ""));
    assert_eq!(plain.contents.len(), 2);
}

#[test]
fn an_encrypted_file_is_reported() {
    let objects = [object("/Filter /FlateDecode", &noise(1, 500))];
    let extraction = extract("a.pdf", &pdf(&objects, "/Encrypt 5 0 R"));
    assert_eq!(extraction.reasons(), ": encrypted\n");
    let open = extract("a.pdf", &pdf(&[], "/EncryptMetadata false"));
    assert!(open.skipped.is_empty());
}

#[test]
fn damaged_streams_yield_what_inflates() {
    let long = [&noise(1, 200_000)[..], b"tail"].concat();
    let mut objects =
        [object("/Filter /FlateDecode", &zlib(&long)), object("/Filter /FlateDecode", &zlib(b"b"))];
    objects[0].truncate(150_000);
    let extraction = extract("a.pdf", &pdf(&objects, ""));
    let contents = &extraction.contents;
    assert!(contents[0].1.len() > 100_000 && long.starts_with(&contents[0].1[..100_000]));
    assert!(contents.iter().any(|(_, content)| content == b"b"), "{}", extraction.reasons());
    assert!(extraction.reasons().contains("before that"), "{}", extraction.reasons());
}

#[test]
fn a_pdf_that_is_a_zip_as_well_is_opened_as_both() {
    let document = pdf(&[object("/Filter /FlateDecode", &zlib(b"page"))], "");
    let extraction = extract("a.pdf", &[document, zip(&[Entry::new("b", 8, b"packed")])].concat());
    assert_eq!(extraction.content("b"), b"packed");
    assert!(extraction.contents.iter().any(|(_, content)| content == b"page"));
}

fn hexadecimal(data: &[u8]) -> Vec<u8> {
    let digits: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits}>").into_bytes()
}

/// Literal runs only, as some programs write them.
fn run_lengths(data: &[u8]) -> Vec<u8> {
    let mut packed: Vec<u8> =
        data.chunks(100).flat_map(|part| [&[part.len() as u8 - 1], part].concat()).collect();
    packed.extend([252, b'!', 128]);
    packed
}

/// Five characters for four bytes; the length must be a multiple of four.
fn ascii85(data: &[u8]) -> Vec<u8> {
    let letters = |four: &[u8]| {
        let mut sum = u32::from_be_bytes(four.try_into().unwrap());
        let mut five = [0; 5];
        for letter in five.iter_mut().rev() {
            *letter = b'!' + (sum % 85) as u8;
            sum /= 85;
        }
        five
    };
    let mut packed: Vec<u8> = data.chunks_exact(4).flat_map(letters).collect();
    packed.extend(b"~>");
    packed
}

/// Only codes of single bytes, with clear codes as needed.
fn lzw(data: &[u8]) -> Vec<u8> {
    let parts = data
        .chunks(200)
        .flat_map(|part| std::iter::once(256).chain(part.iter().map(|&byte| u16::from(byte))));
    let bits: Vec<bool> =
        parts.chain([257]).flat_map(|code| (0..9).rev().map(move |shift| code >> shift & 1 == 1)).collect();
    bits.chunks(8)
        .map(|bits| bits.iter().enumerate().fold(0, |sum, (index, &bit)| sum | u8::from(bit) << (7 - index)))
        .collect()
}

fn png_rows(data: &[u8], width: usize) -> Vec<u8> {
    let (mut above, mut rows) = (vec![0; width], Vec::new());
    for (row_number, row) in data.chunks_exact(width).enumerate() {
        let kind = row_number as u8 % 5;
        rows.push(kind);
        for x in 0..width {
            let left = if x == 0 { 0 } else { row[x - 1] };
            let corner = if x == 0 { 0 } else { above[x - 1] };
            let [a, b, c] = [left, above[x], corner].map(i32::from);
            let slope = a + b - c;
            let away = [(slope - a).abs(), (slope - b).abs(), (slope - c).abs()];
            let nearest = if away[0] <= away[1] && away[0] <= away[2] {
                a
            } else if away[1] <= away[2] {
                b
            } else {
                c
            };
            let guess = [0, a, b, (a + b) / 2, nearest][usize::from(kind)];
            rows.push(row[x].wrapping_sub(guess as u8));
        }
        above = row.to_vec();
    }
    rows
}

#[test]
fn every_filter_is_undone_in_any_order() {
    let data = [&b"a line of text\n".repeat(64)[..], &noise(4, 4096)].concat();
    let tiff: Vec<u8> = data
        .chunks(64)
        .flat_map(|row| {
            (0..row.len())
                .map(|column| row[column].wrapping_sub(if column == 0 { 0 } else { row[column - 1] }))
        })
        .collect();
    let four = |mut data: Vec<u8>| {
        data.resize(data.len().next_multiple_of(4), 0);
        data
    };
    for (filter, packed, expected) in [
        ("/Filter /ASCIIHexDecode", hexadecimal(&data), &data),
        ("/Filter/A85", ascii85(&data), &data),
        ("/Filter /LZWDecode", lzw(&data), &data),
        ("/Filter [/RL]", run_lengths(&data), &[&data[..], b"!!!!!"].concat()),
        ("/Filter [/ASCII85Decode /FlateDecode]", ascii85(&four(zlib(&data))), &data),
        ("/Filter [/FlateDecode/FlateDecode]", zlib(&zlib(&data)), &data),
        ("/Filter [ /Fl /AHx /LZW ]", zlib(&hexadecimal(&lzw(&data))), &data),
        ("/Filter 7 0 R", hexadecimal(&zlib(&data)), &data),
        ("/Filter /Fl /DecodeParms <</Predictor 15/Columns 64>>", zlib(&png_rows(&data, 64)), &data),
        ("/Filter [/AHx/Fl] /DecodeParms [null 8 0 R]", hexadecimal(&zlib(&tiff)), &data),
    ] {
        let others = b"7 0 obj\n[/AHx /Fl]\nendobj\n8 0 obj <</Predictor 2 /Columns 64>> endobj\n".to_vec();
        let document = pdf(&[object(filter, &packed), others, object("/Filter /Fl", &zlib(b"next"))], "");
        for before in [&b""[..], b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n", &[b'.'; 1000]] {
            let extraction = extract("a.pdf", &[before, &document].concat());
            assert!(extraction.skipped.is_empty(), "{filter}: {}", extraction.reasons());
            assert_eq!(&extraction.contents[0].1, expected, "{filter}");
            assert_eq!(extraction.contents[1].1, b"next", "{filter}");
        }
    }
}

#[test]
fn an_attached_archive_is_opened() {
    for archive in [zip(&[Entry::new("b", 8, b"packed")]), gzip(b"packed")] {
        let document = pdf(&[object("/Type /EmbeddedFile", &archive)], "");
        let extraction = extract("a.pdf", &document);
        assert!(
            extraction.contents.iter().any(|(_, content)| content == b"packed"),
            "{:?}",
            extraction.reasons()
        );
        assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
    }
}

#[test]
fn hexadecimal_titles_are_read() {
    let title = b"5 0 obj << /Title <FEFF0061 00FC0062> /Author <feff0063> >> endobj\n".to_vec();
    let extraction = extract("a.pdf", &pdf(&[title], ""));
    assert_eq!(extraction.content("strings"), "a\u{fc}b\nc\n".as_bytes());
}

#[test]
fn an_expanding_filter_ends_at_the_limit() {
    let bomb = [129, 129].repeat(1 << 15);
    let document = pdf(&[object("/Filter [/RL /RL /RL]", &bomb)], "");
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    assert!(extract_within("a.pdf", &document, limits).bytes < 4 << 20);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_cause_no_panic(
        page in "[()<>\\\\\\[\\]a-f0-9 .TJj-]{0,200}",
        cut in any::<prop::sample::Index>(),
        change in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        let page = format!("BT {page}");
        let mut document = pdf(&[object("/Filter /FlateDecode", &zlib(page.as_bytes()))], "");
        extract("a.pdf", &document);
        let chain = object("/Filter [/AHx /LZW /RL /A85] /DecodeParms <</Predictor 12>>", &hexadecimal(&lzw(&run_lengths(page.as_bytes()))));
        extract("a.pdf", &pdf(std::slice::from_ref(&chain), ""));
        document.splice(9..9, chain);
        let offset = change.index(document.len());
        document[offset] = to;
        document.truncate(cut.index(document.len()) + 1);
        prop_assert!(extract("a.pdf", &document).bytes < 1 << 20);
    }
}
