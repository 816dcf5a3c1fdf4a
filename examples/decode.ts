// The files of an archive that streams in, each with the SHA-256 of its content, as sha256sum prints them. Run: deno run examples/decode.ts < ARCHIVE
import { decode } from "@pxar/codec";
import { showName } from "@pxar/format";
import { contentDigest, PathTracker } from "@pxar/transfer";

const paths = new PathTracker();
for await (const batch of decode(Deno.stdin.readable)) {
  for (const entry of batch) {
    if (entry.kind === "end") paths.leave();
    else paths.enter(entry);
    if (entry.kind !== "file") continue;
    const digest = await contentDigest(entry.content!);
    console.log(`${digest.toHex()}  ${showName(paths.path)}`);
  }
}
