// An archive from nothing but memory: entries in, a stream of bytes out. Run: deno run examples/encode.ts > made.pxar
import { encodeStream } from "@pxar/codec";
import {
  BytesContent,
  deviceMetadata,
  dirMetadata,
  fileMetadata,
  makeEntry,
  symlinkMetadata,
} from "@pxar/format";

const bytes = (text: string) => new TextEncoder().encode(text);

const entries = [
  makeEntry("directory", dirMetadata(0o755).build()),
  makeEntry("file", {
    name: bytes("hello.txt"),
    content: new BytesContent(bytes("Hello!\n")),
    ...fileMetadata(0o644).owner(1000, 1000).mtime(1_700_000_000, 5)
      .xattr("user.origin", bytes("example")).build(),
  }),
  makeEntry("symlink", {
    name: bytes("link"),
    target: bytes("hello.txt"),
    ...symlinkMetadata().build(),
  }),
  makeEntry("device", {
    name: bytes("null"),
    device: { major: 1, minor: 3 },
    ...deviceMetadata(0o666, "char").build(),
  }),
  makeEntry("end"),
];

await encodeStream([entries]).pipeTo(Deno.stdout.writable);
