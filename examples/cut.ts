// How much of some files would be kept once only: they are cut into chunks, and equal ones are counted. Run: deno run -R examples/cut.ts FILE…
import { cut, digestOf, hexOf } from "@pxar/chunk";

if (Deno.args.length === 0) {
  console.error("Cannot count chunks: expected the paths of some files");
  Deno.exit(2);
}

const distinct = new Set<string>();
let chunks = 0, bytes = 0, kept = 0;
for (const path of Deno.args) {
  const file = await Deno.open(path);
  for await (const chunk of cut(file.readable)) {
    const digest = hexOf(digestOf(chunk.bytes)), { length } = chunk.bytes;
    chunks++;
    bytes += length;
    if (!distinct.has(digest)) kept += length;
    distinct.add(digest);
  }
}

const saved = bytes === 0 ? 0 : 100 * (1 - kept / bytes);
console.log(`${chunks} chunks of ${bytes} bytes`);
console.log(`${distinct.size} distinct ones of ${kept} bytes`);
console.log(`${saved.toFixed(1)} % saved, before compression`);
