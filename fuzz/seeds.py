#!/usr/bin/env python3
"""Writes small containers to fuzz/corpus as seeds of the container fuzz targets."""

import bz2
import gzip
import io
import lzma
import os
import random
import struct
import tarfile
import zipfile
import zlib

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
TEXT = b"a line of text, and another line of text\n" * 4
NOISE = random.Random(1).randbytes(60)


def zips():
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        for streamed in (False, True):
            file = io.BytesIO()
            target = Forward(file) if streamed else file
            with zipfile.ZipFile(target, "w", method) as archive:
                archive.writestr("a/b.txt", TEXT)
                archive.writestr("c", NOISE)
                archive.comment = b"PK\5\6"
            yield file.getvalue()
    inner = file.getvalue()
    file = io.BytesIO(b"MZ in front")
    file.seek(0, 2)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("inner.zip", inner)
    yield file.getvalue()
    # Methods that Python cannot write: the header of a stored entry is changed.
    for method, data in ((9, deflate(TEXT)), (95, lzma.compress(TEXT)), (93, zstd(TEXT))):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x", data)
        archive = bytearray(file.getvalue())
        directory = archive.index(b"PK\1\2")
        archive[8], archive[directory + 10] = method, method
        yield bytes(archive)


class Forward:
    """A file without seek, so that sizes are recorded after the data."""

    def __init__(self, file):
        self.write, self.flush = file.write, file.flush


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def zstd(data):
    """A single stored block."""
    block = struct.pack("<I", len(data) << 3 | 1)[:3] + data
    return b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", len(data) - 256 & 0xFFFF) + block if len(data) > 255 else (
        b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + block)


def number(value):
    return bytes([0xC0, value & 0xFF, value >> 8 & 0xFF]) if value > 127 else bytes([value])


def seven(coders, data, size, names=b"a", parts=1):
    blocks = b"\x07\x0b\x01\0" + coders + b"\x0c" + number(size) * coders[0] + b"\0"
    streams = b"\x06\0\x01\x09" + number(len(data)) + b"\0" + blocks
    more = b"\x08" + (b"\x0d" + bytes([parts]) + b"\x09" + b"\x05" * (parts - 1) if parts > 1 else b"") + b"\0\0"
    called = b"".join(bytes([n, 0, 0, 0]) for n in names)
    files = b"\x05" + bytes([len(names)]) + b"\x11" + bytes([len(called) + 1]) + b"\0" + called + b"\0"
    header = b"\x01\x04" + streams + more + files + b"\0"
    return packed(data, header)


def packed(data, header):
    start = struct.pack("<QQI", len(data), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\x04" + struct.pack("<I", zlib.crc32(start)) + start + data + header


def sevens():
    one = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}]
    two = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
    raw = lzma.compress(TEXT, lzma.FORMAT_RAW, filters=one)
    plain = seven(b"\x01\x01\0", TEXT, len(TEXT), b"ab", 2)
    yield plain
    yield seven(b"\x01\x23\x03\x01\x01\x05\x5d\0\0\x01\0", raw, len(TEXT))
    yield seven(b"\x01\x21\x21\x01\x08", lzma.compress(TEXT, lzma.FORMAT_RAW, filters=two), len(TEXT), b"ab", 2)
    yield seven(b"\x02\x01\x04\x21\x21\x01\x08\0\x01", lzma.compress(TEXT, lzma.FORMAT_RAW, filters=two), len(TEXT))
    yield seven(b"\x01\x03\x04\x01\x08", deflate(TEXT), len(TEXT))
    yield seven(b"\x01\x03\x04\x01\x09", deflate(TEXT), len(TEXT))
    yield seven(b"\x01\x03\x04\x02\x02", bz2.compress(TEXT), len(TEXT))
    yield seven(b"\x01\x04\x04\xf7\x11\x01", zstd(TEXT), len(TEXT))
    yield seven(b"\x01\x23\x03\x04\x01\x05\x06\0\0\x01\0", NOISE, len(NOISE))
    # Four streams into one.
    yield seven(b"\x01\x14\x03\x03\x01\x1b\x04\x01\0\x01\x02\x03", NOISE, len(NOISE))
    # A packed header.
    header = plain[32 + len(TEXT):]
    inner = lzma.compress(header, lzma.FORMAT_RAW, filters=one)
    outer = b"\x17\x06" + number(len(TEXT)) + b"\x01\x09" + number(len(inner)) + b"\0\x07\x0b\x01\0"
    outer += b"\x01\x23\x03\x01\x01\x05\x5d\0\0\x01\0\x0c" + number(len(header)) + b"\0\0"
    yield packed(TEXT + inner, outer)[:12] + packed(TEXT + inner, outer)[12:]


def pdfs():
    page = b"BT [(one)-12(-and)-300<736b>] TJ (es\\)c\\141pe) Tj ET"
    parts = [b"%PDF-1.7\n"]
    for filters in (b"/FlateDecode", b"[/Fl]", b"/LZWDecode"):
        data = zlib.compress(page)
        parts.append(b"1 0 obj << /Filter %s /Length %d >>\nstream\n%s\nendstream\n" % (filters, len(data), data))
    yield b"".join(parts) + b"trailer << /Root 1 0 R >>"
    yield b"".join(parts[:2]) + b"trailer << /Encrypt 1 0 R >>"


def tars():
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=form) as archive:
            for name in ("a", "long/" * 30 + "name"):
                entry = tarfile.TarInfo(name)
                entry.size = len(TEXT)
                archive.addfile(entry, io.BytesIO(TEXT))
        yield file.getvalue().rstrip(b"\0") + b"\0" * 512
    yield b"!<arch>\n" + b"%-16s%-12s%-6s%-6s%-8s%-10d`\n" % (b"a/", b"0", b"0", b"0", b"644", 4) + b"data"


def squeezed():
    yield gzip.compress(TEXT, mtime=0) + gzip.compress(NOISE, mtime=0)
    yield bz2.compress(TEXT) + bz2.compress(NOISE)
    yield lzma.compress(TEXT)
    yield lzma.compress(TEXT, check=lzma.CHECK_SHA256, filters=[
        {"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "dict_size": 4096}])
    yield zstd(TEXT)


def main():
    for maker in (zips, sevens, pdfs, tars, squeezed):
        for dir in (maker.__name__, "container"):
            os.makedirs(os.path.join(ROOT, dir), exist_ok=True)
            for count, seed in enumerate(maker()):
                with open(os.path.join(ROOT, dir, f"{maker.__name__}-{count}"), "wb") as file:
                    file.write(seed)


main()
