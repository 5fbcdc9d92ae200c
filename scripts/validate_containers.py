"""Packs keys into random archives and compares a report with them. See validate-containers.sh."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import shutil
import string
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib

LETTERS = string.ascii_letters + string.digits


class Forward:
    """A file without seek, so that a zip records sizes after the data."""

    def __init__(self, file):
        self.write, self.flush = file.write, file.flush


class Packer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.expected = {}

    def text(self):
        """Text that contains a key, and the fingerprint of the key."""
        half = lambda: "".join(self.random.choices(LETTERS, k=74))
        key = "sk-proj-" + half() + "T3Blbk" + "FJ" + half()
        filling = lambda: self.random.choice(
            ["", "some words\n" * self.random.randrange(3000), self.random.randbytes(2000).hex() + "\n"])
        return f"{filling()}KEY={key}\n{filling()}".encode(), hashlib.sha256(key.encode()).hexdigest()

    def content(self, depth):
        """A file: its extension, its bytes, and its keys by their paths inside."""
        kinds = [self.plain] * 3
        if depth:
            kinds = [self.plain, self.zip, self.zip, self.zip, self.tar, self.squeezed, self.pdf, self.tool]
        return self.random.choice(kinds)(depth)

    def plain(self, _depth):
        data, key = self.text()
        return ".txt", data, {(): key}

    def entries(self, depth):
        """Names and contents, and their keys."""
        entries, keys = [], {}
        for number in range(self.random.randrange(1, 5)):
            ending, data, inner = self.content(depth - 1)
            name = self.random.choice(["", "dir/", "a/b/"]) + f"e{number}{ending}"
            entries.append((name, data))
            keys.update({(name, *path): key for path, key in inner.items()})
        return entries, keys

    def zip(self, depth):
        entries, keys = self.entries(depth)
        file = io.BytesIO()
        target = Forward(file) if self.random.random() < 0.3 else file
        methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
        with zipfile.ZipFile(target, "w", allowZip64=True) as archive:
            for name, data in entries:
                with_size = zipfile.ZipInfo(name)
                with_size.compress_type = self.random.choice(methods)
                with archive.open(with_size, "w", force_zip64=self.random.random() < 0.3) as entry:
                    entry.write(data)
            archive.comment = self.random.choice([b"", b"comment", b"PK\5\6", b"PK\1\2" * 20])
        data = file.getvalue()
        if self.random.random() < 0.2:
            data = b"#!/bin/sh\nexit 0\n" + data
        elif self.random.random() < 0.25:
            # Without its directory, all entries are still there.
            end = len(data) - 22 - len(archive.comment)
            data = data[: int.from_bytes(data[end + 16 : end + 20], "little") + self.random.randrange(60)]
        return self.random.choice([".zip", ".jar", ".docx", ".bin"]), data, keys

    def tar(self, depth):
        entries, keys = self.entries(depth)
        file = io.BytesIO()
        form = self.random.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
        with tarfile.open(fileobj=file, mode="w", format=form) as archive:
            for name, data in entries:
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        return ".tar", file.getvalue(), keys

    def squeezed(self, depth):
        ending, data, inner = self.content(depth - 1)
        packer, more = self.random.choice([(gzip.compress, ".gz"), (bz2.compress, ".bz2"), (lzma.compress, ".xz")])
        # The name of the content is not compared: a name in the header takes precedence.
        return ending + more, packer(data), {(None, *path): key for path, key in inner.items()}

    def pdf(self, _depth):
        parts, keys = [b"%PDF-1.7\n"], {}
        for _ in range(self.random.randrange(1, 4)):
            data, key = self.text()
            stream = zlib.compress(data)
            head = b"1 0 obj\n<</Filter/FlateDecode/Length %d>>\nstream\n" % len(stream)
            keys[(f"stream at byte {sum(map(len, parts)) + len(head)}",)] = key
            parts += [head + stream, b"\nendstream\nendobj\n"]
        return ".pdf", b"".join(parts) + b"trailer <</Root 1 0 R>>\n", keys

    def tool(self, depth):
        """Packs with an external program, if it is installed."""
        tools = [tool for tool in ("zip", "7z", "7zz", "zstd") if shutil.which(tool)]
        if not tools:
            return self.zip(depth)
        tool = self.random.choice(tools)
        with tempfile.TemporaryDirectory() as dir:
            if tool == "zstd":
                ending, data, inner = self.content(depth - 1)
                packed = subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout
                return ending + ".zst", packed, {(None, *path): key for path, key in inner.items()}
            entries, keys = self.entries(depth)
            for name, data in entries:
                os.makedirs(os.path.dirname(os.path.join(dir, name)), exist_ok=True)
                with open(os.path.join(dir, name), "wb") as file:
                    file.write(data)
            command = {
                "zip": ["zip", "-q", "-r", self.random.choice(["-0", "-6", "-9"]), "../packed.zip", "."],
            }.get(tool, [tool, "a", "-bd", "-m0=" + self.random.choice(
                ["copy", "lzma", "lzma2", "ppmd", "bzip2", "deflate"]), "../packed.7z", "."])
            inside = os.path.join(dir, "inside")
            os.mkdir(inside)
            for name in os.listdir(dir):
                if name != "inside":
                    shutil.move(os.path.join(dir, name), inside)
            subprocess.run(command, cwd=inside, stdout=subprocess.DEVNULL, check=True)
            name = command[-2].removeprefix("../")
            with open(os.path.join(dir, name), "rb") as file:
                return os.path.splitext(name)[1], file.read(), keys


def pack(work, count, seed):
    print(f"{count} files, seed {seed}")
    packer = Packer(seed)
    os.mkdir(os.path.join(work, "tree"))
    expected = []
    for number in range(count):
        ending, data, keys = packer.content(3)
        name = f"{number}{ending}"
        with open(os.path.join(work, "tree", name), "wb") as file:
            file.write(data)
        expected += [[name, list(path), key] for path, key in keys.items()]
    with open(os.path.join(work, "expected.json"), "w") as file:
        json.dump(expected, file)


def is_at(finding, name, path):
    inside = finding.get("container") or []
    # A tar in a compressed file is named once, as the two count as one.
    return os.path.basename(finding["path"]) == name and (
        None in path or inside[-len(path):] == path or inside == [name, *path] or inside == path)


def check(work):
    with open(os.path.join(work, "expected.json")) as file:
        expected = json.load(file)
    with open(os.path.join(work, "report.json")) as file:
        report = json.load(file)
    found = {leak["fingerprint"]: leak["findings"] for leak in report["leaks"]}
    # What a packer could not pack stands in the archive as it is; and of an archive that is cut off and holds
    # another, nobody can say to which an entry belongs.
    wrong, twice = [], 0
    for name, path, key in expected:
        findings = found.pop(key, None)
        if findings is None:
            wrong.append(f"not found: {name} {path}")
        elif not any(is_at(finding, name, path) for finding in findings):
            wrong.append(f"elsewhere: {name} {path}: {[finding.get('container') for finding in findings]}")
        elif len(findings) != 1:
            twice += 1
    wrong += [f"not packed: {findings[0]}" for findings in found.values()]
    skipped = report["coverage"]["skipped"]
    print(f"{len(expected)} keys, {len(wrong)} wrong, {twice} found in two places, {len(skipped)} skips")
    for line in wrong[:20]:
        print(line)
    sys.exit(1 if wrong else 0)


if sys.argv[1] == "pack":
    pack(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    check(sys.argv[2])
