//! Tests of compressed texts in images.

use std::io::Write;

use super::kit::{Extraction, extract, noise};
use super::zip_entries::{Entry, zip};

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

/// A chunk whose checksum is not verified.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], kind, data, b"csum"].concat()
}

fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    let image = chunk(b"IDAT", &zlib(&noise(1, 200_000)));
    [&b"\x89PNG\r\n\x1a\n"[..], &header, &image, &chunks.concat(), &chunk(b"IEND", b"")].concat()
}

fn ztxt(keyword: &str, data: &[u8]) -> Vec<u8> {
    chunk(b"zTXt", &[keyword.as_bytes(), b"\0\0", &zlib(data)].concat())
}

fn itxt(keyword: &str, flag: u8, data: &[u8]) -> Vec<u8> {
    chunk(b"iTXt", &[keyword.as_bytes(), &[0, flag, 0], b"en\0translated\0", data].concat())
}

fn names(extraction: &Extraction) -> Vec<&str> {
    extraction.contents.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn compressed_texts_are_unpacked_anywhere() {
    let long = b"prompt: a line of many\n".repeat(5000);
    let picture = png(&[
        ztxt("parameters", b"a text"),
        itxt("workflow", 1, &zlib(&long)),
        itxt("plain", 0, b"not compressed"),
        chunk(b"tEXt", b"Comment\0not compressed"),
    ]);
    let extraction = extract("a.png", &picture);
    assert_eq!(names(&extraction), ["zTXt parameters", "iTXt workflow", ""]);
    assert_eq!(extraction.content("zTXt parameters"), b"a text");
    assert_eq!(extraction.content("iTXt workflow"), long);
    assert_eq!(extraction.content(""), picture);
    assert!(extraction.skipped.is_empty(), "{}", extraction.reasons());
}

#[test]
fn containers_after_an_image_are_opened() {
    let packed = [png(&[ztxt("a", b"text")]), zip(&[Entry::new("b", 8, b"zip")])].concat();
    let extraction = extract("a.png", &packed);
    assert_eq!((extraction.content("zTXt a"), extraction.content("b")), (&b"text"[..], &b"zip"[..]));
}

#[test]
fn damage_is_reported_if_data_was_compressed() {
    let whole = png(&[ztxt("a", &noise(3, 5000)), chunk(b"tEXt", &[b'x'; 100])]);
    let text = memchr::memmem::find(&whole, b"zTXt").unwrap();
    for cut in 0..whole.len() {
        // Of the rest, only some lengths, since each takes time.
        if cut > 40 && !(text - 4..text + 16).contains(&cut) && cut % 997 != 0 {
            continue;
        }
        let is_in_text = (text + 6 + 2..text + 6 + 5000).contains(&cut);
        let extraction = extract("a.png", &whole[..cut]);
        assert!(!is_in_text || extraction.skipped.len() == 1, "{cut}: {}", extraction.reasons());
        assert!(cut > text || extraction.skipped.is_empty(), "{cut}: {}", extraction.reasons());
    }
    let mut damaged = whole.clone();
    damaged[text + 4 + 4] ^= 0xff;
    assert_eq!(extract("a.png", &damaged).skipped.len(), 1);
    // Declared sizes and names are not trusted.
    for chunks in [
        vec![chunk(b"zTXt", b"")],
        vec![chunk(b"iTXt", b"a\0\x01\0")],
        vec![chunk(b"zTXt", b"no end")],
        vec![b"\xff\xff\xff\xffzTXta\0\0".to_vec()],
    ] {
        assert!(extract("a.png", &png(&chunks)).skipped.is_empty());
    }
}
