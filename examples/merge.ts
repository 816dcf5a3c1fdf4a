// Several archives as one; what was changed last stays. Run: deno run -R examples/merge.ts ARCHIVE… > NEW
import { Accessor, decode, encodeStream, fileAccess } from "@pxar/codec";
import { leafAt, merge, type MergeSource } from "@pxar/transfer";

if (Deno.args.length < 2) {
  console.error("Cannot merge: expected the paths of two archives or more");
  Deno.exit(2);
}

await using open = new AsyncDisposableStack();
const sources: MergeSource[] = [];
for (const name of Deno.args) {
  const archive = open.use(await Accessor.open(await fileAccess(name)));
  const entries = decode((await Deno.open(name)).readable);
  // A later name of a file whose first one is dropped becomes the file: its content is looked up.
  const resolve = (position: number) => leafAt(archive, position);
  sources.push({ name, entries, resolve });
}
const merged = merge(sources, {
  policy: "newest",
  onConflict: ({ kept, dropped }) => console.error(`${kept}, not ${dropped}`),
});
await encodeStream(merged).pipeTo(Deno.stdout.writable);
