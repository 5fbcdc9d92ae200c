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
            target = WriteOnly(file) if streamed else file
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
    # Methods that Python cannot write: set the method in the two headers of a stored entry.
    for method, data in ((9, deflate(TEXT)), (95, lzma.compress(TEXT)), (93, zstd(TEXT))):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x", data)
        archive = bytearray(file.getvalue())
        directory = archive.index(b"PK\1\2")
        archive[8], archive[directory + 10] = method, method
        yield bytes(archive)


class WriteOnly:
    """A file that cannot seek, so that zipfile records sizes after the data."""

    def __init__(self, file):
        self.write, self.flush = file.write, file.flush


def deflate(data):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def zstd(data):
    """A frame with a single uncompressed block."""
    block = struct.pack("<I", len(data) << 3 | 1)[:3] + data
    return b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", len(data) - 256 & 0xFFFF) + block if len(data) > 255 else (
        b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + block)


def sevenz_number(value):
    """A number below 65536 as 7z stores it."""
    return bytes([0xC0, value & 0xFF, value >> 8 & 0xFF]) if value > 127 else bytes([value])


def sevenz_archive(coders, data, size, names=b"a", substreams=1):
    """An archive of one folder with `coders` that unpack `data` to `size` bytes, divided into `substreams` files.
    Each byte of `names` is the name of a file."""
    folders = b"\x07\x0b\x01\0" + coders + b"\x0c" + sevenz_number(size) * coders[0] + b"\0"
    streams = b"\x06\0\x01\x09" + sevenz_number(len(data)) + b"\0" + folders
    sizes = b"\x0d" + bytes([substreams]) + b"\x09" + b"\x05" * (substreams - 1) if substreams > 1 else b""
    encoded_names = b"".join(bytes([name, 0, 0, 0]) for name in names)
    files = b"\x05" + bytes([len(names)]) + b"\x11" + bytes([len(encoded_names) + 1]) + b"\0" + encoded_names + b"\0"
    header = b"\x01\x04" + streams + b"\x08" + sizes + b"\0\0" + files + b"\0"
    return with_start_header(data, header)


def with_start_header(data, header):
    """A 7z file of `data` and `header`."""
    start = struct.pack("<QQI", len(data), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\x04" + struct.pack("<I", zlib.crc32(start)) + start + data + header


def sevenz():
    lzma1 = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}]
    lzma2 = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
    raw = lzma.compress(TEXT, lzma.FORMAT_RAW, filters=lzma1)
    plain = sevenz_archive(b"\x01\x01\0", TEXT, len(TEXT), b"ab", 2)
    yield plain
    yield sevenz_archive(b"\x01\x23\x03\x01\x01\x05\x5d\0\0\x01\0", raw, len(TEXT))
    yield sevenz_archive(b"\x01\x21\x21\x01\x08", lzma.compress(TEXT, lzma.FORMAT_RAW, filters=lzma2), len(TEXT), b"ab", 2)
    yield sevenz_archive(b"\x02\x01\x04\x21\x21\x01\x08\0\x01", lzma.compress(TEXT, lzma.FORMAT_RAW, filters=lzma2), len(TEXT))
    yield sevenz_archive(b"\x01\x03\x04\x01\x08", deflate(TEXT), len(TEXT))
    yield sevenz_archive(b"\x01\x03\x04\x01\x09", deflate(TEXT), len(TEXT))
    yield sevenz_archive(b"\x01\x03\x04\x02\x02", bz2.compress(TEXT), len(TEXT))
    yield sevenz_archive(b"\x01\x04\x04\xf7\x11\x01", zstd(TEXT), len(TEXT))
    yield sevenz_archive(b"\x01\x23\x03\x04\x01\x05\x06\0\0\x01\0", NOISE, len(NOISE))
    # BCJ2, which makes one stream of four.
    yield sevenz_archive(b"\x01\x14\x03\x03\x01\x1b\x04\x01\0\x01\x02\x03", NOISE, len(NOISE))
    # A compressed header.
    header = plain[32 + len(TEXT):]
    inner = lzma.compress(header, lzma.FORMAT_RAW, filters=lzma1)
    outer = b"\x17\x06" + sevenz_number(len(TEXT)) + b"\x01\x09" + sevenz_number(len(inner)) + b"\0\x07\x0b\x01\0"
    outer += b"\x01\x23\x03\x01\x01\x05\x5d\0\0\x01\0\x0c" + sevenz_number(len(header)) + b"\0\0"
    yield with_start_header(TEXT + inner, outer)


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


def compressed():
    yield gzip.compress(TEXT, mtime=0) + gzip.compress(NOISE, mtime=0)
    yield bz2.compress(TEXT) + bz2.compress(NOISE)
    yield lzma.compress(TEXT)
    yield lzma.compress(TEXT, check=lzma.CHECK_SHA256, filters=[
        {"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "dict_size": 4096}])
    yield zstd(TEXT)


def main():
    for generator in (zips, sevenz, pdfs, tars, compressed):
        # A target is named after each generator; `container` uses the seeds of all.
        for target in (generator.__name__, "container"):
            os.makedirs(os.path.join(ROOT, target), exist_ok=True)
            for count, seed in enumerate(generator()):
                with open(os.path.join(ROOT, target, f"{generator.__name__}-{count}"), "wb") as file:
                    file.write(seed)


main()
